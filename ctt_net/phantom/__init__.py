"""Simulated eyes with a known truth: no clinical validity."""
