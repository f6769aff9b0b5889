"""The folder of a pretraining: weights without a head, and what they were learned from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save

from ctt_net import INTENDED_USE
from ctt_net.cohort import Covariate, View
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.io.atomic_write import atomic_write
from ctt_net.io.yaml_file import check_known_keys, dump_yaml, read_yaml_mapping
from ctt_net.models import MultiViewNet

PRETRAINED_FILE = "pretrained.yaml"
PRETRAINED_WEIGHTS = "pretrained.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class PretrainedSpec:
    """Contents of `pretrained.yaml`.

    Args:
        name: Of the folder it was made in.
        cohort: Name of the simulated cohort.
        source: Where that came from, in its own words.
        views: Names and geometry of the views, in the order of the network's input.
        preprocessing: Scan file to network input.
        covariates: Columns that became tokens, in order; none if the network takes none.
        architecture: Class path and arguments of the parts, as in `model.yaml`.
        trained_on: Eyes, patients, seed, versions.
        weights: Published weights that it started from, as in `model.yaml`; None = random ones.
        figures: How well lesions and potential are read on its validation split.
    """

    name: str
    cohort: str
    source: str
    views: Mapping[str, View]
    preprocessing: Preprocessing
    covariates: Mapping[str, Covariate]
    architecture: Mapping[str, Any]
    trained_on: Mapping[str, Any]
    figures: Mapping[str, Any]
    weights: Mapping[str, str] | None = None

    def write(self, folder: Path) -> None:
        """Write `pretrained.yaml`."""
        data = {
            "format": FORMAT,
            "name": self.name,
            "cohort": self.cohort,
            "source": self.source,
            "synthetic": True,
            "predicts": "nothing: a start for trainings (model.start_from)",
            "intended_use": INTENDED_USE,
            "views": {name: view.to_dict() for name, view in self.views.items()},
            "preprocessing": self.preprocessing.to_dict(),
            "covariates": {name: one.to_dict() for name, one in self.covariates.items()},
            "architecture": dict(self.architecture),
            "trained_on": dict(self.trained_on),
            "weights": dict(self.weights) if self.weights else None,
            "figures": dict(self.figures),
        }
        atomic_write(folder / PRETRAINED_FILE, dump_yaml(data))

    @classmethod
    def read(cls, folder: Path) -> "PretrainedSpec":
        """Read `pretrained.yaml`.

        Raises:
            InputError: If it is missing, of another format, or wrong.
        """
        path = folder / PRETRAINED_FILE
        data = read_yaml_mapping(path)
        if data.pop("format", None) != FORMAT:
            raise InputError(f"{path}: this version of ctt-net reads format {FORMAT}")
        said = ("synthetic", "predicts", "intended_use")
        check_known_keys(data, [*said, *cls.__dataclass_fields__], str(path))
        try:
            return cls(
                **{
                    **{key: value for key, value in data.items() if key not in said},
                    "views": {name: View(**facts) for name, facts in data["views"].items()},
                    "preprocessing": Preprocessing.from_dict(data["preprocessing"]),
                    "covariates": {
                        name: Covariate.model_validate(facts)
                        for name, facts in data["covariates"].items()
                    },
                }
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{path}: incomplete or damaged ({error}); pretrain anew") from None


def write_pretrained_weights(network: MultiViewNet, folder: Path) -> None:
    """Write `pretrained.safetensors`: every tensor but the head's."""
    state = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in network.state_dict().items()
        if not name.startswith("head.")
    }
    atomic_write(folder / PRETRAINED_WEIGHTS, save(state))
