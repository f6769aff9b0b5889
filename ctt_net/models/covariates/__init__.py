"""Covariate encoders: how age, sex, axial length and the like become tokens."""

from ctt_net.models.covariates.base import CovariateEncoder
from ctt_net.models.covariates.plain import PlainEncoder
from ctt_net.models.covariates.t2g import T2GEncoder

__all__ = ["CovariateEncoder", "PlainEncoder", "T2GEncoder"]
