"""What becomes of recordings once they are over: ends that are missing, files to take away."""
