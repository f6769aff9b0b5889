"""A covariate: one clinical column beside the acuities, and how it is to be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ctt_net.cohort.words import check_words
from ctt_net.cohort.yaml_value import read_choice, read_words
from ctt_net.errors import InputError
from ctt_net.yaml_file import refuse_unknown_keys

CovariateKind = Literal["numeric", "binary", "categorical"]


@dataclass(frozen=True)
class Covariate:
    """One clinical column beside the acuities.

    Args:
        kind: `numeric`, `binary` (0/1) or `categorical`.
        unit: Unit of a numeric column, such as `years`.
        levels: Values a categorical column may take.
        missing: Sentinels that mean unknown, as written in the file (`-9`); empty always does.
    """

    kind: CovariateKind = "numeric"
    unit: str | None = None
    levels: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What a network must know of it: kind, unit and levels, but no sentinels of a file."""
        return {"kind": self.kind, "unit": self.unit, "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Covariate":
        """What `to_dict` wrote; KeyError or TypeError if it is something else."""
        return cls(facts["kind"], facts["unit"], tuple(facts["levels"]))


def read_covariates(section: Mapping[str, Any], where: str) -> dict[str, Covariate]:
    """The `covariates` section of `cohort.yaml`; `where` is what to call the file in errors."""
    covariates = {}
    for name, facts in section.items():
        place = f"{where}: covariates.{name}"
        if not isinstance(facts, Mapping):
            raise InputError(f"{place} must hold kind, unit, levels or missing, got {facts!r}")
        refuse_unknown_keys(facts, ("kind", "unit", "levels", "missing"), place)
        kind = read_choice(facts.get("kind"), get_args(CovariateKind), f"{place}.kind")
        levels = read_words(facts.get("levels"), f"{place}.levels")
        unit = facts.get("unit")
        if unit is not None and not isinstance(unit, str):
            raise InputError(f"{place}.unit must be a text such as years, got {unit!r}")
        check_words({level: level for level in levels}, f"{place}.levels")
        if kind == "categorical" and not levels:
            raise InputError(f"{place}: a categorical covariate needs its 'levels'")
        covariates[str(name)] = Covariate(
            kind=kind,
            unit=unit,
            levels=levels,
            missing=read_words(facts.get("missing"), f"{place}.missing"),
        )
    return covariates
