"""A page with a prediction as a picture in DICOM (Secondary Capture)."""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ctt_net.export.dicom.identity import (
    MANUFACTURER,
    PAGE_SERIES,
    Prediction,
    study_header,
    uid,
    with_times,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pydicom import Dataset

WIDTH_INCH, HEIGHT_INCH, DPI = 8.27, 11.69, 150  # A4
# A font has no sign of every script; the first that has one is taken, as far as they are installed.
_FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei",
    "SimHei", "PingFang SC", "Hiragino Sans GB",
)  # fmt: skip
_LINE = 96  # characters
_AXIS = (1.35, -0.35)  # logMAR, better to the right


def secondary_capture(prediction: Prediction) -> "Dataset":
    """Build the object.

    Args:
        prediction: Contents of prediction.json.
    """
    from highdicom.sc import SCImage

    header = study_header(prediction)
    page = SCImage(
        pixel_array=draw_page(prediction),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=uid(prediction, "series of the page"),
        series_number=PAGE_SERIES,
        sop_instance_uid=uid(prediction, "page"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        patient_id=header.PatientID,
        manufacturer_model_name="ctt-net",
        software_versions=prediction["model"]["ctt_net_version"],
        series_description="Predicted visual acuity. Research use only",
        specific_character_set="ISO_IR 192",
    )
    page.PatientOrientation = []  # a page has none, but highdicom asks for one
    sides = {"OD": "R", "OS": "L"}
    eyes = [sides[eye["laterality"]] for eye in prediction["eyes"]]
    page.Laterality = eyes[0] if len(eyes) == 1 else ""
    page.BurnedInAnnotation = "YES"  # the patient's id stands on the page
    return with_times(page, prediction)


def draw_page(prediction: Prediction) -> NDArray[np.uint8]:
    """The facts of prediction.json on one A4 page, (1754, 1240, 3) RGB.

    Args:
        prediction: Contents of prediction.json.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCH, HEIGHT_INCH), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    write = _Writer(figure)
    model, made = prediction["model"], prediction["provenance"]
    write("Research use only", size=16, weight="bold", colour="#a00000")
    write(prediction["intended_use"], size=8)
    write(f"Predicted acuity after surgery: patient {prediction['patient_id']}", 14, "bold")
    write(f"{made['time']}, model {model['name']}, trained on {model['trained_on']}", size=8)
    for warning in model["warnings"]:
        write(warning, size=8, colour="#a00000")
    for eye in prediction["eyes"]:
        write.gap()
        _eye(eye, write)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _eye(eye: dict[str, Any], write: "_Writer") -> None:
    write({"OD": "Right eye (OD)", "OS": "Left eye (OS)"}[eye["laterality"]], 13, "bold")
    before = eye["preop"]
    if before:
        write(f"Before surgery: {before['text']} ({before['logmar']:.2f} logMAR)")
    if eye["abstain"]:
        write("Do not use a prediction for this eye: the model abstains.", 11, "bold", "#a00000")
        write(eye["reason"], size=9)
    else:
        after, interval = eye["postop"], eye["interval"]
        write(
            f"Predicted: {after['snellen_20ft']} ({after['snellen_6m']}), "
            f"{after['logmar']:.2f} logMAR; {interval['level']:.0%} interval "
            f"{interval['lower_logmar']:.2f} to {interval['upper_logmar']:.2f} logMAR",
            weight="bold",
        )
        _scale(eye, write.axes(0.05))
        for name, p in eye["p_recovery"].items():
            if p is not None:
                write(f"{p:.0%}: {eye['outcomes'][name]}", size=9)
        if eye["reason"]:
            write(eye["reason"], size=9)
    for view in eye["views"]:
        quality = f", signal quality {view['quality']:.2f}" if view["present"] else ""
        notes = f" ({'; '.join(view['notes'])})" if view["notes"] else ""
        write(f"{view['name']}: {view['file'] or 'no scan'}{quality}{notes}", size=8)


def _scale(eye: dict[str, Any], axes: "Axes") -> None:
    interval = eye["interval"]
    ends = np.clip([interval["lower_logmar"], interval["upper_logmar"]], _AXIS[1], _AXIS[0])
    axes.plot(ends, [0, 0], color="#1f5fa8", linewidth=6, alpha=0.4, solid_capstyle="butt")
    axes.plot(np.clip(eye["postop"]["logmar"], _AXIS[1], _AXIS[0]), 0, "o", color="#1f5fa8")
    if eye["preop"]:
        axes.plot(np.clip(eye["preop"]["logmar"], _AXIS[1], _AXIS[0]), 0, "|", color="black", ms=16)
    axes.set(xlim=_AXIS, ylim=(-1, 1), yticks=[])
    axes.tick_params(labelsize=7)
    axes.set_xlabel("logMAR: line = before, point = predicted, bar = interval", fontsize=7)
    axes.spines[["left", "right", "top"]].set_visible(False)


class _Writer:
    """Writes line after line down a page, as far as it goes."""

    def __init__(self, figure: Any) -> None:
        from matplotlib.font_manager import get_font_names

        self._figure, self._top = figure, 0.96
        there = set(get_font_names())
        self._fonts = [name for name in _FONTS if name in there]

    def __call__(
        self, text: str, size: float = 10, weight: str = "normal", colour: str = "black"
    ) -> None:
        for line in textwrap.wrap(text, int(_LINE * 10 / size)) or [""]:
            if self._top < 0.04:
                return
            self._figure.text(0.07, self._top, line, size=size, weight=weight, color=colour,
                              va="top", parse_math=False, family=self._fonts)  # fmt: skip
            self._top -= size * 1.45 / 72 / HEIGHT_INCH

    def gap(self) -> None:
        self._top -= 0.015

    def axes(self, height: float) -> "Axes":
        self._top -= height + 0.04
        axes: Axes = self._figure.add_axes((0.07, self._top + 0.035, 0.86, height))
        return axes
