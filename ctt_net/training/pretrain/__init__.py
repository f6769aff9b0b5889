"""Pretraining of backbone and fusion on synthetic data."""
