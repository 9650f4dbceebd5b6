"""The rules of a party, without I/O, clock and randomness; imports only the standard library and msgspec."""
