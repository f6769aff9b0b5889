"""`network_data_format` of metadata.json: what each number that goes in or comes out means."""

from typing import Any

from ctt_net.cohort import Covariate
from ctt_net.export.monai_bundle.words import words
from ctt_net.model_folder.spec import ModelSpec


def network_data_format(spec: ModelSpec, members: int, level: float) -> dict[str, Any]:
    """Inputs, raw outputs and finished outputs, in MONAI's own terms.

    Args:
        spec: Of the members.
        members: How many networks there are.
        level: Nominal coverage of the interval.
    """
    outcomes = [f"{words(outcome.name)}: {outcome.in_words()}" for outcome in spec.outcomes]
    raw = ["location of the postoperative acuity, logMAR", "scale around it, logMAR"]
    raw += [f"logit of {outcome}" for outcome in outcomes]
    return {
        "inputs": _inputs(spec),
        "outputs": {
            "pred": _tensor(
                [f"member {m + 1}: {what}" for m in range(members) for what in raw],
                format="raw, before calibration and before the mean over the members",
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
        f"view {words(name)}, {view.direction}, {view.angle_deg:g} degrees to the horizontal "
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
            [f"whether view {words(name)} is there" for name in spec.views],
            format="presence",
            dtype="bool",
            value_range=[0, 1],
        ),
        "preop_logmar": _tensor(
            ["preoperative acuity, smaller is better"], unit="logMAR", unknown="NaN"
        ),
    }
    covariates = [
        f"{words(name)}, {covariate_in_words(one)}" for name, one in spec.covariates.items()
    ]
    if covariates:
        inputs["covariates"] = _tensor(covariates, format="covariates", unknown="NaN")
    return inputs


def covariate_in_words(covariate: Covariate) -> str:
    """Its unit, or what its numbers stand for."""
    if covariate.kind == "binary":
        return "0 no, 1 yes"
    if covariate.kind == "categorical":
        return ", ".join(f"{index} {words(one)}" for index, one in enumerate(covariate.levels))
    return words(covariate.unit or "a number")


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
