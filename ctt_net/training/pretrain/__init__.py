"""Pretraining of backbone and fusion on simulated eyes."""
