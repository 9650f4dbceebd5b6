"""What tests start and drive: stores and instances as real processes."""
