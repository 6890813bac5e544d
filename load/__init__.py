"""A simulated classroom and the benchmarks: an honest client that imports only ``protocol``."""
