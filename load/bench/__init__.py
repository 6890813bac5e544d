"""Benchmarks that drive servers from outside, as ``make bench`` runs them."""
