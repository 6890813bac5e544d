"""From the bus to those who watch."""
