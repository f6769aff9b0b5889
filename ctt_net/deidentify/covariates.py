"""Covariates: ages over 89 joined, identifying columns rejected, rare levels listed."""

import re

import pandas as pd

from ctt_net.cohort import Cohort, Covariate
from ctt_net.errors import InputError

# HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(C): all ages over 89 become one.
OLDEST_AGE_YEARS, AGE_OF_THE_OLDER = 89, 90

# A value shared by fewer people than this may identify one of them.
FEW = 5

_YEARS = ("year", "years", "y", "yr", "yrs", "a", "岁")
_DIGITS_OF_AN_ID = 10_000
_SHARE_DISTINCT = 0.9


def is_age(name: str, covariate: Covariate) -> bool:
    """Whether a numeric column is an age, by its name and unit."""
    return covariate.kind == "numeric" and _is_called_age(name) and covariate.unit in _YEARS


def join_ages(years: pd.Series) -> pd.Series:
    """Ages with all those over 89 as 90, NaN untouched."""
    return years.mask(years > OLDEST_AGE_YEARS, float(AGE_OF_THE_OLDER))


def check_no_identity(cohort: Cohort) -> None:
    """Check that no declared column identifies a person or a place under another heading.

    Raises:
        InputError: Naming the column and what to do in cohort.yaml.
    """
    for name, covariate in cohort.spec.covariates.items():
        where = f"{cohort.root}: covariates.{name}"
        words = _words(name)
        if name.lower() == "site":
            raise InputError(
                f"{where}: a site tells where a person lives; take it out of the covariates, then "
                f"the column becomes a code"
            )
        if words & {"birth", "dob", "birthday", "birthdate"} or "出生" in name:
            raise InputError(
                f"{where}: a birth date or year may not leave; declare the age instead"
            )
        if covariate.kind != "numeric":
            continue
        if _is_called_age(name) and covariate.unit not in _YEARS:
            raise InputError(
                f"{where}: an age must be in years, so that those over {OLDEST_AGE_YEARS} can be "
                f"joined; give it the unit years"
            )
        if covariate.unit is None and _is_probably_an_id(cohort.table[name]):
            raise InputError(
                f"{where}: long whole numbers, nearly all different: probably a record number; "
                f"take it out, or give its unit if it is a measurement"
            )


def rare_levels(cohort: Cohort) -> list[tuple[str, str, int]]:
    """Column, level and eyes of each categorical or binary value of fewer than five eyes."""
    rare = []
    for name, covariate in cohort.spec.covariates.items():
        if covariate.kind != "numeric":
            counts = cohort.table[name].dropna().value_counts()
            rare += [(name, f"{level}", int(n)) for level, n in counts.items() if n < FEW]
    return rare


def _is_probably_an_id(numbers: pd.Series) -> bool:
    known = numbers.dropna()
    if not len(known):
        return False
    whole = (known % 1 == 0).all() and (known.abs() >= _DIGITS_OF_AN_ID).all()
    return bool(whole and known.nunique() >= _SHARE_DISTINCT * len(known))


def _is_called_age(name: str) -> bool:
    return "age" in _words(name) or "年龄" in name


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))
