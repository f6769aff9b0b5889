"""`metadata.json`: what MONAI and a stranger must know of a bundle."""

from collections.abc import Mapping
from importlib import metadata
from typing import Any

from ctt_net import INTENDED_USE, __version__
from ctt_net.export.monai_bundle.data_format import network_data_format
from ctt_net.export.monai_bundle.words import words
from ctt_net.model_folder.predictor import Predictor

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
        "name": f"ctt-net {words(spec.name)}",
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
            f"the cohort {words(spec.cohort)}."
        ),
        "authors": TO_COMPLETE,
        "copyright": TO_COMPLETE,
        "data_source": f"cohort {words(spec.cohort)}, not part of this bundle; {TO_COMPLETE}",
        "data_type": "PNG, TIFF, JPEG or BMP B-scans",
        "intended_use": INTENDED_USE,
        "references": list(REFERENCES),
        "eval_metrics": dict(eval_metrics),
        "network_data_format": network_data_format(spec, len(predictor.members), predictor.level),
    }


def _version(package: str) -> str:
    """Without the mark of a build, such as the toolkit of one machine's graphics card."""
    return metadata.version(package).partition("+")[0]
