"""What a snapshot shows of a class, part by part, and how its events change each part."""
