"""The page for the clinician: scans, acuity before surgery, predicted acuity, and warnings."""

import base64
from datetime import date
from pathlib import Path
from typing import Any

import cv2
from matplotlib.axes import Axes

from ctt_net.baselines.clinical import MEASURES_BASELINE, STACK
from ctt_net.baselines.clinical_start import image_weight_in_words
from ctt_net.errors import count_of
from ctt_net.imaging import BScan
from ctt_net.outcome import probability_text
from ctt_net.report.comparison import number_text
from ctt_net.report.drawing import svg
from ctt_net.report.page import render
from ctt_net.uncertainty.abstention import ABSTAIN, ABSTENTION_REASONS
from ctt_net.uncertainty.flags import flags_in_words

TEMPLATES = Path(__file__).parent / "templates"
EYE_NAMES = {"OD": "Right eye (OD)", "OS": "Left eye (OS)"}
# Of the picture on the page; the scan itself stays where it is.
WIDTH_PX = 640


def render_report(prediction: dict[str, Any], bscans: list[dict[str, BScan]]) -> str:
    """Fill the page.

    Args:
        prediction: Contents of prediction.json.
        bscans: For each eye, view name to scan.
    """
    eyes = [_eye(eye, scans) for eye, scans in zip(prediction["eyes"], bscans, strict=True)]
    days, weight = prediction["model"]["followup_days"], prediction["model"]["image_weight"]
    return render(
        "patient.html",
        folder=TEMPLATES,
        title=f"Predicted acuity after surgery: {prediction['patient_id']}",
        synthetic=prediction["model"]["synthetic"],
        model=prediction["model"],
        followup=_days(days[0], days[2]) if days else None,
        written=date.today().isoformat(),
        influence="" if weight is None else image_weight_in_words([weight]),
        eyes=eyes,
    )


def _days(low: float, high: float) -> str:
    return f"{low:.0f} days" if round(low) == round(high) else f"{low:.0f} to {high:.0f} days"


def _eye(eye: dict[str, Any], scans: dict[str, BScan]) -> dict[str, Any]:
    interval = eye["interval"]
    name = EYE_NAMES[eye["laterality"]]
    known = [one for one in eye["covariates"] if one["value"] is not None]
    labels = {one["name"]: _label(one) for one in eye["covariates"]}
    flags, not_given = [], []
    for flag in eye["flags"]:
        word, _, detail = flag.partition(":")
        if word == "missing_covariate":
            not_given.append(labels.get(detail, detail))
        elif flag not in (ABSTAIN, *eye["abstain_because"]):
            flags.append(f"{word}:{labels.get(detail, detail)}")
    return {
        "name": name,
        "preop": eye["preop"],
        "postop": eye["postop"],
        "answer": line_and_letters(eye["postop"]),
        "level": f"{interval['level']:.0%}",
        "lower": number_text(interval["lower_logmar"], 2),
        "upper": number_text(interval["upper_logmar"], 2),
        "scale": svg(
            lambda axes: _draw_scale(axes, eye),
            f"scale_{eye['laterality']}",
            f"{name}: acuity before and predicted on a logMAR scale",
            height=1.25,
        ),
        "recovery": [
            {
                "question": eye["outcomes"][outcome],
                "p": "not known without a preoperative acuity"
                if p is None
                else probability_text(p),
            }
            for outcome, p in eye["p_recovery"].items()
        ],
        "clinical": number_text(eye["baselines"][STACK], 2) if STACK in eye["baselines"] else None,
        "baselines": _baselines(eye["baselines"]),
        "covariates": [_covariate(one) for one in known if not one["measured_in"]],
        "measures": [_covariate(one) for one in known if one["measured_in"]],
        "measurement_notes": eye["measurement_notes"],
        "from_measures": number_text(eye["baselines"][MEASURES_BASELINE], 2)
        if MEASURES_BASELINE in eye["baselines"]
        else None,
        "not_given": not_given,
        "because": [ABSTENTION_REASONS[name] for name in eye["abstain_because"]],
        "flags": flags_in_words(flags),
        "scans": [
            {
                "view": view["name"],
                "picture": _picture(scans[view["name"]]),
                "quality": f"{view['quality']:.2f}",
                "notes": view["notes"],
            }
            for view in eye["views"]
            if view["present"]
        ],
        "missing": [view["name"] for view in eye["views"] if not view["present"]],
    }


def _baselines(predicted: dict[str, float]) -> str:
    """What models without the scans predict, as a range; those that know the eye, if any do."""
    # Where there are measures, the clinical start may hold them too.
    of_scans = {MEASURES_BASELINE, STACK} if MEASURES_BASELINE in predicted else set()
    without = {name: value for name, value in predicted.items() if name not in of_scans}
    known = [value for name, value in without.items() if name not in ("mean", "median")]
    values = known or list(without.values())
    if not values:
        return ""
    low, high = number_text(min(values), 2), number_text(max(values), 2)
    return f"{low if low == high else f'{low} to {high}'} logMAR ({count_of(len(values), 'model')})"


def line_and_letters(acuity: dict[str, Any]) -> str:
    """One acuity as charts have it, such as `20/25, 81 letters`."""
    letters = acuity["etdrs_letters"]
    return acuity["snellen_20ft"] + ("" if letters is None else f", {letters} letters")


def _label(one: dict[str, Any]) -> str:
    """Name of a covariate without its unit: `axial length` of `axial_length_mm`."""
    return one["name"].removesuffix(f"_{one['unit']}").replace("_", " ")


def _covariate(one: dict[str, Any]) -> str:
    value = one["value"] if isinstance(one["value"], str) else f"{one['value']:g}"
    if one.get("kind") == "binary":
        value = {"0": "no", "1": "yes"}.get(value, value)
    text = f"{_label(one)} {value}" + (f" {one['unit']}" if one["unit"] else "")
    low, high = one["training_range"] or (None, None)
    return text if low is None else f"{text} (training: {low:g} to {high:g})"


def _draw_scale(axes: Axes, eye: dict[str, Any]) -> None:
    """Better acuity on the left, as on every logMAR axis."""
    interval, postop = eye["interval"], eye["postop"]["logmar"]
    axes.plot([interval["lower_logmar"], interval["upper_logmar"]], [0, 0], color="#1f5a96", lw=3)
    axes.plot(postop, 0, "o", color="#1f5a96", ms=9)
    axes.annotate("predicted", (postop, 0), (0, -16), textcoords="offset points", ha="center")
    ends = [-0.3, 1.3, interval["lower_logmar"], interval["upper_logmar"]]
    if eye["preop"]:
        before = eye["preop"]["logmar"]
        axes.plot(before, 0, "s", mfc="white", mec="#5b6875", ms=8)
        axes.annotate("before", (before, 0), (0, 9), textcoords="offset points", ha="center")
        ends.append(before)
    axes.set_xlim(min(ends) - 0.08, max(ends) + 0.08)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("logMAR: left = better, 0.1 = one line")


def _picture(bscan: BScan) -> str:
    """A scan as it was decoded, as a data URI without metadata."""
    pixels = bscan.pixels
    height = round(pixels.shape[0] * WIDTH_PX / pixels.shape[1])
    small = cv2.resize(pixels, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
