"""The rules of a party: no I/O, no clock, no dice; the standard library and msgspec only."""
