"""What other tools make of the folders that thud hands over; runs in an environment of its own (make check-exports)."""
