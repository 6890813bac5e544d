"""From the bus to the platforms: one life and one task for each destination."""
