"""What a class is made of, one module per feature: its commands, and the events they make."""
