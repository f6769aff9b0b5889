"""What a model is: trained on what, when, how well, what it takes, and whether it is whole."""

from pathlib import Path
from typing import Any

from ctt_net import INTENDED_USE
from ctt_net.errors import count_of
from ctt_net.inference.evaluation_log import record_folder
from ctt_net.io.json_file import read_json
from ctt_net.metrics.summary import METRICS_FILE
from ctt_net.model_folder.digests import files_digests
from ctt_net.model_folder.facts import model_facts
from ctt_net.model_folder.predictor import Predictor, model_folders
from ctt_net.report.comparison import span_text, strongest_baseline

_NO_CLINICAL_VALIDITY = "trained on simulated eyes: no clinical validity"


def model_info(model: Path | str | Predictor) -> dict[str, Any]:
    """Facts of a model, for people and programs.

    Args:
        model: Model folder or run folder; or a predictor, whose files were verified as it was
            loaded.

    Returns:
        Plain data, as `ctt-net info --json` prints it.

    Raises:
        InputError: If there is no model, or a file of it is not what it was made with.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    spec, members = predictor.spec, predictor.members
    n_files = [len(one.provenance.digests) for one in members]
    run, metrics = record_folder(predictor), own_metrics(predictor)
    return {
        "name": spec.name,
        "intended_use": INTENDED_USE,
        "synthetic": spec.synthetic,
        "trained": [one.provenance.trained for one in members],
        "facts": model_facts(members),
        "views": {
            name: {"direction": view.direction, "angle_deg": view.angle_deg}
            for name, view in spec.views.items()
        },
        "covariates": {
            name: {
                "kind": one.kind,
                "unit": one.unit,
                "levels": list(one.levels),
                "training_range": predictor.covariate_ranges.get(name),
                "measured_in": one.measured_in,
            }
            for name, one in spec.covariates.items()
        },
        "outcomes": {outcome.name: outcome.in_words() for outcome in spec.outcomes},
        "devices": {
            name: {
                "axial_um_per_px": device.axial_um_per_px,
                "lateral_um_per_px": device.lateral_um_per_px,
            }
            for name, device in spec.devices.items()
        },
        "performance": None if metrics is None else read_json(metrics, _figures),
        "warnings": predictor.warnings,
        "digest": predictor.digest,
        "digests_verified": all(n_files),
        "members": [
            {
                "folder": one.folder.resolve().relative_to(run.resolve()).as_posix(),
                "files": files_digests(one.folder),
            }
            for one in members
        ],
    }


def own_metrics(predictor: Predictor) -> Path | None:
    """`metrics.json` of the run that a predictor is all of; None where there is none.

    Args:
        predictor: A run's folds. One fold alone has no figures of its own.
    """
    run = record_folder(predictor)
    if not (run / METRICS_FILE).is_file():
        return None
    whole = {folder.resolve() for folder in model_folders(run)}
    ours = {member.folder.resolve() for member in predictor.members}
    return run / METRICS_FILE if whole == ours else None


def _figures(metrics: dict[str, Any]) -> dict[str, Any]:
    best = strongest_baseline(metrics)
    return {
        "measured_on": "eyes out of fold, which the network that predicts them was not trained on",
        "n_eyes": metrics["n_eyes"],
        "n_patients": metrics["n_patients"],
        "mae_logmar": metrics["regression"]["mae"],
        "bias_logmar": metrics["regression"]["bias"],
        "interval": {
            "nominal": metrics["interval"]["nominal"],
            "coverage": metrics["interval"]["coverage"],
            "mean_width_logmar": metrics["interval"]["mean_width"],
        },
        "auroc": {name: one["auroc"] for name, one in metrics["recovery"].items()},
        "strongest_comparator": None
        if best is None
        else {"name": best.name, "mae_logmar": best.mae},
        "warnings": list(metrics["warnings"]),
    }


def info_lines(info: dict[str, Any]) -> list[tuple[str, str]]:
    """The same as (what, value) for a terminal.

    Args:
        info: Of `model_info`.
    """
    trained = sorted({one or "date not recorded" for one in info["trained"]})
    lines = [*info["facts"].items(), ("trained", ", ".join(trained))]
    if info["synthetic"]:
        lines.insert(1, ("note", _NO_CLINICAL_VALIDITY))
    devices = ", ".join(info["devices"])
    lines.append(("devices", devices or "not recorded by name"))
    for name, one in info["covariates"].items():
        low, high = one["training_range"] or (None, None)
        range_text = "" if low is None else f", training {low:g} to {high:g}"
        what = ", ".join(one["levels"]) or one["unit"] or one["kind"]
        lines.append((f"covariate {name}", f"{what}{range_text}"))
    lines += _performance_lines(info["performance"])
    lines += [("warning", one) for one in info["warnings"]]
    n_files = sum(len(one["files"]) for one in info["members"])
    verified = (
        f"{count_of(n_files, 'file')}, each as it was when the model was made"
        if info["digests_verified"]
        else "made by version 0.1, which kept no digests: cannot be verified"
    )
    return [*lines, ("digest", info["digest"]), ("files", verified)]


def _performance_lines(figures: dict[str, Any] | None) -> list[tuple[str, str]]:
    if figures is None:
        return [("performance", "not here: metrics.json of the run folder holds it")]
    lines = [
        ("measured on", f"{figures['n_eyes']:,} {figures['measured_on']}"),
        ("mean absolute error", f"{_figure(figures['mae_logmar'], 3)} logMAR"),
        ("interval coverage", _figure(figures["interval"]["coverage"], 3)),
    ]
    lines += [(f"AUROC {name}", _figure(one, 2)) for name, one in figures["auroc"].items()]
    best = figures["strongest_comparator"]
    if best is not None:
        text = f"mean absolute error {best['mae_logmar']:.3f} logMAR ({best['name']})"
        lines.append(("without the scans", text))
    return lines + [("warning", one) for one in figures["warnings"]]


def _figure(figure: dict[str, Any], digits: int) -> str:
    """`0.072 (95% CI 0.055 to 0.091)`."""
    level = next(name for name in figure if name.startswith("ci"))
    if figure["value"] is None:
        return "undefined"
    low, high = figure[level]
    return f"{figure['value']:.{digits}f} ({level[2:]}% CI {span_text(low, high, digits)})"
