"""Stream keys: kept encrypted, written but never read back, resolved only while connecting."""
