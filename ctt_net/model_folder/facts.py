"""The facts of a model folder for a report's model card."""

from collections.abc import Mapping, Sequence
from typing import Any

from ctt_net.baselines.clinical_start import image_weight_in_words
from ctt_net.io.renamed import current
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.provenance import Provenance


def model_facts(members: Sequence[Member]) -> dict[str, str]:
    """Name to value; only what the files say, nothing about a single patient.

    Args:
        members: Of one run.
    """
    spec = members[0].spec
    origins = [member.provenance for member in members]
    facts = {
        "model": f"{spec.name} ({len(origins)} {'member' if len(origins) == 1 else 'members'})",
        "trained on": f"{spec.cohort}{' (simulated eyes)' if spec.synthetic else ''}",
        "training": _training(origins),
        "predicts": "acuity after surgery, logMAR; "
        + "; ".join(outcome.in_words() for outcome in spec.outcomes),
        "follow-up": _follow_up(spec.followup_days),
        "off the chart": f"counts by the policy {spec.off_chart_policy!r}",
        "scans": ", ".join(spec.views),
        "covariates": ", ".join(spec.covariates) or "none",
        "preprocessing": f"{spec.preprocessing.height} x {spec.preprocessing.width} pixels, "
        f"crop {spec.preprocessing.crop}",
        "architecture": _architecture(current(spec.architecture)),
        "image weight": image_weight_in_words(
            [member.image_weight for member in members if member.clinical_start is not None]
        )
        or "100%: the network's own output, without a clinical start",
        "started from": _start(spec.weights, origins[0].started_from),
        "software": ", ".join(f"{name} {version}" for name, version in origins[0].versions.items())
        + (f"; code {origins[0].revision}" if origins[0].revision else ""),
    }
    before = origins[0].recalibrated_on
    if before:
        facts["recalibrated on"] = ", ".join(f"{name} {value}" for name, value in before.items())
    return facts


def _training(origins: Sequence[Provenance]) -> str:
    """Eyes of every fold, and once what all have in common."""
    eyes = [
        f"fold {one.fold}: {one.n_train:,} eyes, {one.n_val:,} more chose its checkpoint"
        for one in origins
    ]
    how = [f"seed {one.seed}, {one.trained_on}" for one in origins]
    if len(set(how)) == 1:
        return f"{'; '.join(eyes)} ({how[0]})"
    return "; ".join(f"{of_fold} ({way})" for of_fold, way in zip(eyes, how, strict=True))


def _follow_up(days: tuple[float, float, float] | None) -> str:
    if days is None:
        return "not recorded"
    if f"{days[0]:.0f}" == f"{days[2]:.0f}":
        return f"{days[1]:.0f} days after surgery"
    return f"{days[0]:.0f} to {days[2]:.0f} days after surgery (10% to 90%), median {days[1]:.0f}"


def _architecture(parts: Mapping[str, Any]) -> str:
    """Class names of the parts that have one."""
    named = [
        f"{name} {str(part['class_path']).rsplit('.', 1)[-1]}"
        for name, part in parts.items()
        if isinstance(part, Mapping) and "class_path" in part
    ]
    return ", ".join(named)


def _start(weights: Mapping[str, str] | None, before: Mapping[str, Any] | None) -> str:
    start = [weights["name"]] if weights else []
    if before:
        start.append(f"{before.get('kind', 'model')} {before.get('name', '')}".strip())
    return "; ".join(start) or "random weights"
