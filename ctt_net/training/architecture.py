"""A network from its description in `model.yaml`, and the description of a parsed config."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, Namespace
from safetensors.torch import load_file

from ctt_net.errors import InputError
from ctt_net.io.renamed import current
from ctt_net.model_folder.digests import verify
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import Backbone
from ctt_net.models.covariates import CovariateEncoder
from ctt_net.models.fusion import Fusion
from ctt_net.models.head import Head
from ctt_net.outcome import Outcome
from ctt_net.training.config import TrainingConfig, first_words

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


def network_of(
    arguments: Sequence[str], num_views: int, levels: Sequence[int] = ()
) -> MultiViewNet:
    """Build the network of a configuration, with new weights or those that its backbone names.

    Args:
        arguments: Command line of a training; no cohort is needed.
        num_views: Views an eye can have.
        levels: Of covariates, as the encoder takes them; none leaves the encoder out.

    Raises:
        InputError: If a key or value is wrong, or the parts do not fit together.
    """
    config = TrainingConfig([*arguments, "--data.cohort="])
    plain = config.config.model.clone().as_dict()
    described = {name: plain[name] for name in (*PARTS, *WHOLE)} | {"num_views": num_views}
    if levels and plain.get("covariates") is not None:
        described["covariates"] = plain["covariates"]
        described["covariates"]["init_args"]["levels"] = list(levels)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(MultiViewNet, "network")
    try:
        parsed = parser.parse_object({"network": described})
        network: MultiViewNet = parser.instantiate_classes(parsed).network
    except (ArgumentError, ValueError, TypeError) as error:
        raise InputError(f"no such network: {first_words(error)}") from None
    return network


def build(architecture: Mapping[str, Any], where: str) -> MultiViewNet:
    """Build a network from its description.

    Args:
        architecture: As `describe` gives it. It may come from an untrusted source, so nothing is
            imported, and no file read, because it says so: jsonargparse would do both.
        where: What to call it in errors.

    Raises:
        InputError: If it cannot be built.
    """
    architecture = current(architecture)
    kinds = dict(PARTS)
    if "covariates" in architecture:
        kinds["covariates"] = CovariateEncoder
    try:
        parts = {name: _part(name, architecture.get(name), kind) for name, kind in kinds.items()}
        options = {option: architecture[option] for option in WHOLE if option in architecture}
        num_views = int(architecture["num_views"])
        return MultiViewNet(**parts, **options, num_views=num_views)
    except Exception as error:  # whatever a class says of arguments that are wrong
        raise InputError(f"{where}: no such network: {first_words(error)}") from None


def _part(name: str, described: Any, kind: type) -> Any:
    """One part from its class, which must be one of ours, and plain arguments."""
    described = described if isinstance(described, Mapping) else {"class_path": described}
    path = str(described.get("class_path"))
    known = {one.__name__: one for one in _subclasses(kind)}
    known_class = known.get(path.removeprefix("ctt_net.models.").rpartition(".")[2])
    if known_class is None or not path.startswith("ctt_net.models."):
        raise InputError(f"{name} must be a class of ctt_net.models, got {path!r}")
    arguments = dict(described.get("init_args") or {})
    for key in FINISHED.keys() & arguments.keys():
        if arguments[key] != FINISHED[key]:
            raise InputError(
                f"{name}.{key} must be {FINISHED[key]!r}, got {arguments[key]!r}: the weights of a "
                f"model folder are those in {WEIGHTS_FILE}"
            )
    if "outcomes" in arguments:
        arguments["outcomes"] = tuple(Outcome.from_dict(one) for one in arguments["outcomes"])
    return known_class(**arguments)


def _subclasses(kind: type) -> Iterator[type]:
    below: list[type] = kind.__subclasses__()
    for one in below:
        if one.__module__.startswith("ctt_net.models."):
            yield one
        yield from _subclasses(one)


def load_network(folder: Path) -> MultiViewNet:
    """The torch network of a model folder, in eval mode; for fine-tuning and export.

    Raises:
        InputError: If the folder is incomplete or the weights do not fit.
    """
    verify(folder)
    network = build(ModelSpec.read(folder).architecture, str(folder))
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
