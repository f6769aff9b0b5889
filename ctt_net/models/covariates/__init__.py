"""Covariate encoders: how age, sex, axial length and the like become tokens."""

from ctt_net.models.covariates.base import CovariateEncoder

__all__ = ["CovariateEncoder"]
