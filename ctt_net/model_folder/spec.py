"""`model.yaml`: all that is needed to use a model besides its weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctt_net.acuity import OFF_CHART_POLICIES
from ctt_net.cohort import Covariate, View
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.field_types import check_field_types
from ctt_net.io.yaml_file import as_typed, check_known_keys, dump_yaml, read_yaml_mapping
from ctt_net.outcome import Outcome

SPEC_FILE = "model.yaml"
FORMAT = 1


@dataclass(frozen=True)
class ModelSpec:
    """Contents of `model.yaml`.

    Args:
        name: Name of the run it comes from.
        architecture: Class path and arguments of backbone, fusion, head and, if it takes any,
            covariates.
        views: Names and geometry of the views, in the order of the network's input.
        preprocessing: Scan file to network input.
        outcomes: Recovery questions, in the order of the network's output.
        off_chart_policy: What counting fingers and less counted as in training.
        followup_days: 10th, 50th and 90th percentile of the time of the predicted acuity after
            surgery; None = not recorded.
        cohort: Name of the training cohort.
        synthetic: Whether it was trained on simulated eyes.
        weights: Published weights that the training started from: name, licence, and if known the
            paper to cite and the file's sha256; None = random ones.
        covariates: Column and kind of the covariates, in the order of the network's input; the
            scales of the numbers are in the network.
        covariate_ranges: Of the numeric ones, the lowest and highest value of the training; empty
            in a model folder of an older version.
    """

    name: str
    architecture: Mapping[str, Any]
    views: Mapping[str, View]
    preprocessing: Preprocessing
    outcomes: tuple[Outcome, ...]
    off_chart_policy: str
    followup_days: tuple[float, float, float] | None
    cohort: str
    synthetic: bool
    weights: Mapping[str, str] | None = None
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    covariate_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write `model.yaml` into a model folder."""
        data = {
            "format": FORMAT,
            "name": self.name,
            "cohort": self.cohort,
            "synthetic": self.synthetic,
            "predicts": "postoperative best available acuity, logMAR",
            "off_chart_policy": self.off_chart_policy,
            "followup_days": list(self.followup_days) if self.followup_days else None,
            "views": {name: view.to_dict() for name, view in self.views.items()},
            "covariates": {name: one.to_dict() for name, one in self.covariates.items()},
            "covariate_ranges": {name: list(ends) for name, ends in self.covariate_ranges.items()},
            "preprocessing": self.preprocessing.to_dict(),
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
            "weights": dict(self.weights) if self.weights else None,
            "architecture": dict(self.architecture),
        }
        atomic_write(folder / SPEC_FILE, dump_yaml(data))

    @classmethod
    def read(cls, folder: Path) -> "ModelSpec":
        """Read `model.yaml` of a model folder.

        Raises:
            InputError: If it is missing, of another format, or wrong.
        """
        path = folder / SPEC_FILE
        data = read_yaml_mapping(path)
        if data.get("format") != FORMAT:
            raise InputError(
                f"{path}: format {data.get('format')!r}; this version of ctt-net reads {FORMAT}"
            )
        known = [
            "format", "name", "cohort", "synthetic", "predicts", "off_chart_policy",
            "followup_days", "views", "covariates", "covariate_ranges", "preprocessing", "outcomes",
            "architecture", "weights",
        ]  # fmt: skip
        check_known_keys(data, known, str(path))
        try:
            days = data["followup_days"]
            spec = cls(
                name=as_typed(data["name"]),
                architecture=data["architecture"],
                views={name: View(**facts) for name, facts in data["views"].items()},
                preprocessing=Preprocessing.from_dict(data["preprocessing"]),
                outcomes=tuple(Outcome.from_dict(outcome) for outcome in data["outcomes"]),
                off_chart_policy=_policy(data["off_chart_policy"]),
                followup_days=tuple(days) if days else None,
                cohort=as_typed(data["cohort"]),
                synthetic=data["synthetic"],
                weights=data.get("weights"),
                covariates={
                    name: Covariate.from_dict(facts)
                    for name, facts in data.get("covariates", {}).items()
                },
                covariate_ranges={
                    name: (float(low), float(high))
                    for name, (low, high) in data.get("covariate_ranges", {}).items()
                },
            )
            check_field_types(spec)
            if not spec.views or not spec.outcomes:
                raise ValueError("no view or no outcome")
            return spec
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{path}: incomplete or damaged ({error}); export it again") from None


def _policy(name: str) -> str:
    if name not in OFF_CHART_POLICIES:
        raise ValueError(f"no off-chart policy {name!r}")
    return name
