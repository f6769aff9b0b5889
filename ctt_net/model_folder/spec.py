"""`model.yaml`: all that is needed to use a model besides its weights."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, Strict

from ctt_net.cohort import Covariate, View
from ctt_net.cohort.schema import Device, OffChartPolicy
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.schema import Items, Record, Schema, Text
from ctt_net.io.yaml_file import dump_yaml, read_yaml_mapping
from ctt_net.outcome import Outcome

SPEC_FILE = "model.yaml"
# 2 since predictions may start from a clinical one, which a reader of 1 would leave out.
FORMAT = 2
READABLE = (1, 2)


class ModelSpec(Schema):
    """Contents of `model.yaml`.

    Args:
        format: Version of the file format.
        name: Name of the run it comes from.
        architecture: Class path and arguments of backbone, fusion, head and, if it takes any,
            covariates.
        views: Names and geometry of the views, in the order of the network's input.
        devices: Size of a pixel in the training cohort, where covariates are measured in scans.
        preprocessing: Scan file to network input.
        outcomes: Recovery outcomes, in the order of the network's output.
        off_chart_policy: What counting fingers and less counted as in training.
        followup_days: 10th, 50th and 90th percentile of the time of the predicted acuity after
            surgery; None = not recorded.
        cohort: Name of the training cohort.
        predicts: What the numbers are, in words.
        synthetic: Whether it was trained on simulated eyes.
        weights: Published weights that the training started from: name, licence, and if known the
            paper to cite and the file's sha256; None = random ones.
        covariates: Column and kind of the covariates, in the order of the network's input; the
            scales of the numbers are in the network.
        covariate_ranges: Of the numeric ones, the lowest and highest value of the training; empty
            in a model folder of an older version.
        preop_range_logmar: Best and worst preoperative acuity of the training that a chart can
            measure; None in a model folder of an older version.
    """

    format: int = FORMAT
    name: Text
    cohort: Text
    synthetic: bool
    predicts: str = "postoperative best available acuity, logMAR"
    off_chart_policy: OffChartPolicy
    followup_days: Annotated[tuple[float, float, float], Strict(False)] | None = None
    views: Annotated[dict[str, View], Field(min_length=1)]
    covariates: dict[str, Covariate] = Field(default_factory=dict)
    covariate_ranges: dict[str, Annotated[tuple[float, float], Strict(False)]] = Field(
        default_factory=dict
    )
    preop_range_logmar: Annotated[tuple[float, float], Strict(False)] | None = None
    devices: dict[str, Device] = Field(default_factory=dict)
    preprocessing: Annotated[Preprocessing, Record()]
    outcomes: Annotated[Items[Annotated[Outcome, Record()]], Field(min_length=1)]
    weights: dict[str, str] | None = None
    architecture: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write `model.yaml` into a model folder."""
        # Sentinels are of a file, not of a model.
        data = self.model_dump(mode="json", exclude={"covariates": {"__all__": {"missing"}}})
        data["outcomes"] = [outcome.to_dict() for outcome in self.outcomes]
        atomic_write(folder / SPEC_FILE, dump_yaml(data))

    @classmethod
    def read(cls, folder: Path) -> "ModelSpec":
        """Read `model.yaml` of a model folder.

        Raises:
            InputError: If it is missing, of another format, or wrong.
        """
        path = folder / SPEC_FILE
        data = read_yaml_mapping(path)
        if data.get("format") not in READABLE:
            raise InputError(
                f"{path}: format {data.get('format')!r}; this version of ctt-net reads "
                f"{' and '.join(map(str, READABLE))}"
            )
        return cls.parse(data, str(path), "the file is incomplete or damaged; export it again")
