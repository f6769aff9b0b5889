"""`metadata.json` of a bundle, with the meaning of every number that goes in or comes out."""

import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort import Covariate
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.spec import ModelSpec

# MONAI evaluates what begins with $, fetches what begins with % or @, and takes :: and # for paths;
# Markdown and HTML have their own.
_MEANT_ELSEWHERE = re.compile(r"[^\w .,;:/()+=-]|:(?=:)")
LONGEST = 80


def printable(name: str) -> str:
    """A name without any sign that a configuration or a page could take for a command."""
    return _MEANT_ELSEWHERE.sub("_", " ".join(str(name).split()))[:LONGEST]


def sentence(text: str) -> str:
    """The same for a sentence of a page in which such a name stands: longer, and with percents."""
    return "%".join(
        _MEANT_ELSEWHERE.sub("_", part) for part in " ".join(str(text).split()).split("%")
    )


def network_data_format(spec: ModelSpec, members: int, level: float) -> dict[str, Any]:
    """Inputs, raw outputs and finished outputs, in MONAI's own terms.

    Args:
        spec: Of the members.
        members: How many networks there are.
        level: Nominal coverage of the interval.
    """
    outcomes = [f"{printable(outcome.name)}: {outcome.in_words()}" for outcome in spec.outcomes]
    raw = ["location of the postoperative acuity, logMAR", "scale around it, logMAR"]
    raw += [f"logit of {outcome}" for outcome in outcomes]
    return {
        "inputs": _inputs(spec),
        "outputs": {
            "pred": _tensor(
                [f"member {m + 1}: {what}" for m in range(members) for what in raw],
                format="raw, before clinical start, calibration and mean over the members",
            )
        },
        "post_processed_outputs": {
            "postop_logmar": _tensor(["predicted postoperative acuity"], unit="logMAR"),
            "interval_logmar": _tensor(
                [f"{end} of the {level:.0%} interval" for end in ("better end", "worse end")],
                unit="logMAR",
            ),
            "p_recovery": _tensor(
                [f"probability of {outcome}" for outcome in outcomes],
                type="probabilities",
                value_range=[0, 1],
                unknown="NaN where the outcome needs a preoperative acuity that is unknown",
            ),
        },
    }


def _inputs(spec: ModelSpec) -> dict[str, Any]:
    views = [
        f"view {printable(name)}, {view.direction}, {view.angle_deg:g} degrees to the horizontal "
        f"meridian, in the orientation of a right eye"
        for name, view in spec.views.items()
    ]
    inputs = {
        "image": _tensor(
            views,
            type="image",
            format="magnitude",
            modality="OCT B-scan",
            spatial_shape=[spec.preprocessing.height, spec.preprocessing.width],
            value_range=[0, 255],
            unit="grey level",
            unknown="zero, with view_present false",
        ),
        "view_present": _tensor(
            [f"whether view {printable(name)} is there" for name in spec.views],
            format="presence",
            dtype="bool",
            value_range=[0, 1],
        ),
        "preop_logmar": _tensor(
            ["preoperative acuity, smaller is better"], unit="logMAR", unknown="NaN"
        ),
    }
    covariates = [
        f"{printable(name)}, {covariate_text(one)}" for name, one in spec.covariates.items()
    ]
    if covariates:
        inputs["covariates"] = _tensor(covariates, format="covariates", unknown="NaN")
    return inputs


def covariate_text(covariate: Covariate) -> str:
    """Its unit, or what its numbers stand for."""
    if covariate.kind == "binary":
        return "0 no, 1 yes"
    if covariate.kind == "categorical":
        return ", ".join(f"{index} {printable(one)}" for index, one in enumerate(covariate.levels))
    return printable(covariate.unit or "a number")


def _tensor(channels: list[str], **facts: Any) -> dict[str, Any]:
    """One tensor, eyes first; by default E x channels of float32 numbers."""
    return {
        "type": "tuples",
        "format": "acuity",
        "modality": "n/a",
        "num_channels": len(channels),
        "spatial_shape": [],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        **facts,
        "channel_def": {str(number): what for number, what in enumerate(channels)},
    }


# MONAI's own schema; the one in the bundle asks for all of it and works without a network.
SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)

# The version that the tests run with; it reads "later ones are expected to work".
MONAI_VERSION = "1.6.1"
BUNDLE_VERSION = "0.1.0"
TO_COMPLETE = "author to complete"

REFERENCES = (
    "Wang et al., CTT-Net: a multi-view cross-token transformer for cataract postoperative visual "
    "acuity prediction, BIBM 2022, arXiv 2212.05794",
)


def bundle_metadata(predictor: Predictor, eval_metrics: Mapping[str, float]) -> dict[str, Any]:
    """Contents of `metadata.json`; who made the model and owns it is left to its author.

    Args:
        predictor: The members.
        eval_metrics: Figures of the run, if there are any.
    """
    spec = predictor.spec
    eyes = "simulated eyes" if spec.synthetic else "eyes"
    return {
        "schema": SCHEMA,
        "name": f"ctt-net {printable(spec.name)}",
        "version": BUNDLE_VERSION,
        "changelog": {BUNDLE_VERSION: f"written by ctt-net {__version__}"},
        "monai_version": MONAI_VERSION,
        "pytorch_version": _version("torch"),
        "numpy_version": _version("numpy"),
        "required_packages_version": {"ctt-net": __version__},
        "task": "visual acuity after cataract surgery from preoperative OCT and acuity",
        "description": (
            f"{len(predictor.members)} networks predict the postoperative best available acuity of "
            f"an eye (logMAR, with an interval) from {len(spec.views)} preoperative OCT B-scans "
            f"and the preoperative acuity, either of which may be missing. Trained on {eyes} of "
            f"the cohort {printable(spec.cohort)}."
        ),
        "authors": TO_COMPLETE,
        "copyright": TO_COMPLETE,
        "data_source": f"cohort {printable(spec.cohort)}, not part of this bundle; {TO_COMPLETE}",
        "data_type": "PNG, TIFF, JPEG or BMP B-scans",
        "intended_use": INTENDED_USE,
        "references": list(REFERENCES),
        "eval_metrics": dict(eval_metrics),
        "network_data_format": network_data_format(spec, len(predictor.members), predictor.level),
    }


def _version(package: str) -> str:
    """Without the mark of a build, such as the toolkit of one machine's graphics card."""
    return metadata.version(package).partition("+")[0]
