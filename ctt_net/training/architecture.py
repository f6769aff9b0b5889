"""A network from its description in `model.yaml`, and the description of a parsed config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser, Namespace
from safetensors.torch import load_file

from ctt_net.errors import InputError
from ctt_net.model_folder import ModelSpec
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone
from ctt_net.models.covariates import CovariateEncoder
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.training.config import first_words

WEIGHTS_FILE = "model.safetensors"

# What every network has; covariates are the part that one may lack.
PARTS: dict[str, type] = {"backbone": Backbone, "fusion": Fusion, "head": Head}

# How the parts are put together; a description without them is of the defaults.
WHOLE = ("sharing", "place_embeddings", "use_preop_va")

# Arguments of a backbone that say how it is trained, and what they are in a model folder.
FINISHED = {"weights": "none", "licence": None, "tune": "full"}


def describe(model_config: Namespace, num_views: int, levels: Sequence[int] = ()) -> dict[str, Any]:
    """Class and arguments of every part, as plain data.

    Args:
        model_config: The `model` section of a parsed config.
        num_views: Of the cohort.
        levels: Of the cohort's covariates, as the encoder takes them.
    """
    plain = model_config.clone().as_dict()
    description: dict[str, Any] = {part: _plain(plain[part]) for part in PARTS if part in plain}
    # The weights are in the model folder, adapters merged: where training started from and what of
    # it learned does not matter any more.
    arguments = description["backbone"]["init_args"]
    arguments.update({key: value for key, value in FINISHED.items() if key in arguments})
    arguments.pop("lora", None)
    description["num_views"] = num_views
    description.update({option: plain[option] for option in WHOLE if option in plain})
    if levels and plain.get("covariates") is not None:
        encoder = _plain(plain["covariates"])
        encoder["init_args"]["levels"] = list(levels)
        description["covariates"] = encoder
    return description


def build(architecture: Mapping[str, Any], where: str) -> MultiViewNet:
    """Build a network from its description.

    Args:
        architecture: As `describe` gives it. Classes outside `ctt_net.models` are refused, since a
            description may come from a stranger and naming a class means running it.
        where: What to call it in errors.

    Raises:
        InputError: If it cannot be built.
    """
    parser = ArgumentParser(exit_on_error=False)
    kinds = dict(PARTS)
    if "covariates" in architecture:
        kinds["covariates"] = CovariateEncoder
    for name, kind in kinds.items():
        class_path = str(architecture.get(name, {}).get("class_path", ""))
        if not class_path.startswith("ctt_net.models."):
            raise InputError(
                f"{where}: {name} must be a class of ctt_net.models, got {class_path!r}"
            )
        parser.add_subclass_arguments(kind, name)
    try:
        config = parser.parse_object({name: architecture[name] for name in kinds})
        parts = parser.instantiate_classes(config)
        options = {option: architecture[option] for option in WHOLE if option in architecture}
        num_views = int(architecture["num_views"])
        return MultiViewNet(**parts.as_dict(), **options, num_views=num_views)
    except Exception as error:
        raise InputError(f"{where}: no such network: {first_words(error)}") from None


def load_network(folder: Path) -> MultiViewNet:
    """The torch network of a model folder, in eval mode; for fine-tuning and export.

    Raises:
        InputError: If the folder is incomplete or the weights do not fit.
    """
    spec = ModelSpec.read(folder)
    network = build(spec.architecture, str(folder))
    path = folder / WEIGHTS_FILE
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; a model folder holds one") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: does not fit the network of model.yaml: {reason}") from None
    return network.eval()


def _plain(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        value = value.as_dict()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value
