"""The page for the clinician: one A4 page an eye, in the clinic's notation and language."""

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ctt_net.acuity import (
    REPORT_NOTATIONS,
    ReportNotation,
    in_notation,
    letters_from_logmar,
    on_chart,
)
from ctt_net.acuity.notation import BEST_LINE, LINE_LOGMAR
from ctt_net.baselines.clinical import MEASURES_BASELINE, STACK
from ctt_net.biomarkers.definitions import DEFINITIONS
from ctt_net.biomarkers.normal import NONE_IF_HEALTHY, NORMAL_RANGES
from ctt_net.imaging import BScan
from ctt_net.imaging.encode import jpeg
from ctt_net.inference import patient_figures as figures
from ctt_net.inference.patient_details import EyeDetails, MeasuredScan
from ctt_net.inference.words import Language, Words
from ctt_net.measure.overlay import LESION_COLOURS, SURFACE_COLOURS
from ctt_net.outcome import Outcome
from ctt_net.report.page import render
from ctt_net.uncertainty.abstention import ABSTAIN
from ctt_net.uncertainty.flags import LOW_QUALITY
from ctt_net.uncertainty.similar_eyes import FEWEST_NEIGHBOURS, WITHIN_LOGMAR

# View to its outlines and the lesions among them.
Outlined = Mapping[str, tuple[Markup, list[str]]]
TEMPLATES = Path(__file__).parent / "templates"
# Of the picture on the page; the scan itself stays where it is.
WIDTH_PX, JPEG_QUALITY = 640, 85
LETTER_LOGMAR = 0.02
GOOD_QUALITY = 0.4
# Shown of every scan; the others only where something was found.
ALWAYS = ("central_thickness_um", "central_subfield_thickness_um", "choroidal_thickness_um")
# Sign of a lesion -> its measures; the first that was measured is shown if it is above 0.
LESION_SIGNS = {
    "hole": ("hole_minimum_diameter_um", "hole_base_diameter_um", "hole_minimum_diameter_share",
             "hole_base_diameter_share"),
    "ellipsoid_gap": ("ellipsoid_gap_um", "ellipsoid_gap_share"),
    "elm_gap": ("elm_gap_um", "elm_gap_share"),
    "cyst": ("cyst_area_mm2",),
    "subretinal_fluid": ("subretinal_fluid_height_um",),
    "drusen": ("drusen_height_um",),
    "rpe_loss": ("rpe_loss_um", "rpe_loss_share"),
    "membrane": ("membrane_share",),
}  # fmt: skip


def render_report(
    prediction: Mapping[str, Any],
    bscans: Sequence[Mapping[str, BScan]],
    details: Sequence[EyeDetails] = (),
    language: Language = "en",
    notation: ReportNotation | None = None,
) -> str:
    """Fill the page.

    Args:
        prediction: Contents of prediction.json.
        bscans: For each eye, view name to scan.
        details: Of each eye; empty leaves out measures, explanation and similar eyes.
        language: `en` or `zh`.
        notation: Of the acuities; None = as the prediction says, or as is usual in the language.

    Raises:
        InputError: If there is no such language or notation.
    """
    words = Words(language)
    usual: ReportNotation = "five_mark" if language == "zh" else "snellen_feet"
    in_ = notation or prediction["report_notation"] or usual
    page = _Page(words, in_, prediction["model"])
    nothing: list[EyeDetails | None] = [None] * len(bscans)
    eyes = [
        page.eye(eye, scans, of_eye)
        for eye, scans, of_eye in zip(prediction["eyes"], bscans, details or nothing, strict=True)
    ]
    model = prediction["model"]
    name = "ensemble" if model["members"] != 1 else "model"
    days = model["followup_days"]
    facts = [
        words(name, name=model["name"], n=model["members"]),
        words("trained_on", cohort=model["trained_on"]),
        *([words("followup", days=page.days(days[0], days[2]))] if days else []),
    ]
    return render(
        "patient.html",
        folder=TEMPLATES,
        w=words,
        patient=words("patient", id=prediction["patient_id"]),
        written=date.today().isoformat(),
        facts=words.list(facts),
        synthetic=model["synthetic"],
        eyes=eyes,
    )


def line_and_letters(acuity: Mapping[str, Any]) -> str:
    """One acuity as charts have it, such as `20/25, 81 letters`."""
    letters = acuity["etdrs_letters"]
    return acuity["snellen_20ft"] + ("" if letters is None else f", {letters} letters")


def letters_of(logmar: float) -> float:
    """ETDRS letters, not rounded and beyond a chart's ends too: for sums and differences."""
    return 85 - logmar / LETTER_LOGMAR


def frequency(words: Words, probability: float | None) -> str:
    """A probability as a natural frequency; never none or all, which would be certainty.

    >>> frequency(Words("en"), 0.834), frequency(Words("en"), 0.9999)
    ('about 83 of 100 such eyes', 'more than 99 of 100 such eyes')
    """
    if probability is None:
        return words("frequency.unknown")
    count = round(100 * probability)
    if count in (0, 100):
        return words("frequency.most" if count else "frequency.fewest")
    return words("frequency", n=count)


class _Page:
    """Texts and figures of one page, in its language and notation."""

    def __init__(self, words: Words, notation: ReportNotation, model: Mapping[str, Any]) -> None:
        self.words, self.notation, self.model = words, notation, model
        self.chinese = words.language == "zh"
        self.outcomes = [Outcome(name, **rule) for name, rule in model["outcomes"].items()]

    def eye(
        self, eye: Mapping[str, Any], scans: Mapping[str, BScan], details: EyeDetails | None
    ) -> dict[str, Any]:
        """What the template needs of one eye."""
        w, side = self.words, eye["laterality"]
        reached = None if details is None else details.similar_logmar
        if reached is not None and len(reached) < FEWEST_NEIGHBOURS:
            reached = None
        interval = eye["interval"]
        outlined = {
            view: figures.outlines(one.segmentation)
            for view, one in (details.scans if details else {}).items()
        }
        values = [
            eye["postop"]["logmar"], interval["upper_logmar"],
            *([eye["preop"]["logmar"]] if eye["preop"] else []),
        ]  # fmt: skip
        scale = figures.Scale.of([*values, *(() if reached is None else reached)], self.notation,
                                 self.chinese)  # fmt: skip
        return {
            "id": side,
            "name": w(side),
            "abstains": bool(eye["abstain_because"]),
            "because": [w(f"reason.{name}") for name in eye["abstain_because"]],
            "cautions": self._cautions(eye),
            "answer": self._answer(eye),
            "interval": self._interval(eye),
            "scale": self._scale(eye, scale, reached),
            "chances": [self._chance(one, eye) for one in self.outcomes],
            "scans": [
                self._scan(view, scans[view["name"]], eye, details, outlined)
                for view in eye["views"]
                if view["present"]
            ],
            "heat": None if details is None else self._heat(details),
            "legend": self._legend(outlined),
            "measures": None if details is None else self._measures(details),
            "why": None if details is None else self._why(eye, details),
            "what_if": None if details is None else self._what_if(eye, details),
            "similar": self._similar(eye, details),
            "used": self._used(eye),
        }

    # Acuities

    def line(self, logmar: float) -> str:
        """The nearest chart line, or beyond which one it lies."""
        text = in_notation(logmar, self.notation, chinese_chart=self.chinese)
        if self.notation == "letters":
            text = self._count("letters", int(text))
        if on_chart(logmar):
            return text
        return self.words("worse_than" if logmar > 0 else "better_than", line=text)

    def with_letters(self, logmar: float) -> str:
        """Chart line and letters, such as `20/25 (80 letters)`."""
        letters = letters_from_logmar(max(logmar, BEST_LINE * LINE_LOGMAR))
        if letters is None or self.notation == "letters" or not on_chart(logmar):
            return self.line(logmar)
        line = self.line(logmar)
        return self.words("with_letters", line=line, letters=self._count("letters", letters))

    def recorded(self, preop: Mapping[str, Any]) -> str:
        """An acuity before surgery: as recorded in this notation; off the chart its word."""
        if preop["off_chart"]:
            return self.words(preop["off_chart"])
        if preop["notation"] != self.notation:
            return self.line(preop["logmar"])
        text = preop["text"].strip()
        return self._count("letters", int(text)) if text.isdecimal() else text

    def _count(self, what: str, n: int) -> str:
        return self.words(f"{what}.one" if abs(n) == 1 else f"{what}.many", n=n)

    def days(self, low: float, high: float) -> str:
        """Time after surgery."""
        same = round(low) == round(high)
        return self.words("days" if same else "days_range", low=f"{low:.0f}", high=f"{high:.0f}")

    # What is said first

    def _cautions(self, eye: Mapping[str, Any]) -> list[str]:
        w, model = self.words, self.model
        said = [w("synthetic")] if model["synthetic"] else []
        details: dict[str, list[str]] = {}
        names = {one["name"]: self._covariate_name(one) for one in eye["covariates"]}
        for flag in eye["flags"]:
            word, _, detail = flag.partition(":")
            if flag != ABSTAIN and flag not in eye["abstain_because"]:
                shown = names.get(detail) or w.name("view", detail)
                details.setdefault(word, []).append(shown)
        not_given = details.pop("missing_covariate", None)
        said += [w(f"flag.{word}", names=w.list(found)) for word, found in details.items()]
        if not_given:
            said.append(w("flag.missing_covariate", names=w.list(not_given)))
        said += [w.sentence(warning) for warning in model["warnings"]]
        cohort = model["recalibrated_on"]
        said.append(w("recalibrated", cohort=cohort) if cohort else w("not_validated"))
        return said

    # The sentence

    def _answer(self, eye: Mapping[str, Any]) -> Markup:
        w, after = self.words, eye["postop"]["logmar"]
        best, worst = (self.line(eye["interval"][f"{end}_logmar"]) for end in ("lower", "upper"))
        range_ = w("between", worst=worst, best=best)
        if best == worst:
            range_ = w("about", value=best)
        strong = Markup("<strong>{}</strong>")
        return Markup(
            w(
                "answer",
                after=strong.format(self.with_letters(after)),
                range=range_,
                now=self._now(eye["preop"], after),
            )
        )

    def _now(self, preop: Mapping[str, Any] | None, after: float) -> str:
        w = self.words
        if preop is None:
            return w("now_unknown")
        if preop["off_chart"]:
            return w("now_off_chart", before=w(preop["off_chart"]))
        gain = preop["logmar"] - after
        lines, letters = round(abs(gain) / LINE_LOGMAR), round(abs(gain) / LETTER_LOGMAR)
        change = w("same")
        if lines:
            change = w(
                "better" if gain > 0 else "worse",
                lines=self._count("lines", lines),
                letters=self._count("letters", letters),
            )
        return w("now", before=self.recorded(preop), change=change)

    def _interval(self, eye: Mapping[str, Any]) -> str:
        w, interval = self.words, eye["interval"]
        level = interval["level"]
        text = w(
            "interval",
            level=f"{level:.0%}",
            best=_logmar(interval["lower_logmar"]),
            worst=_logmar(interval["upper_logmar"]),
            value=_logmar(eye["postop"]["logmar"]),
        )
        if not eye["abstain_because"] and not self.model["warnings"]:
            text += " " + w("promise", n=round(100 * level))
        return text + " " + w("not_considered")

    # Scale and chances

    def _scale(
        self,
        eye: Mapping[str, Any],
        scale: figures.Scale,
        reached: NDArray[np.float64] | None,
    ) -> Markup:
        w, preop, interval = self.words, eye["preop"], eye["interval"]
        before = None if preop is None else (preop["logmar"], self._short("before", preop))
        after = eye["postop"]["logmar"]
        ends = interval["lower_logmar"], interval["upper_logmar"]
        thresholds = [
            (threshold, self.question(one))
            for one in self.outcomes
            if (threshold := self._threshold(one, preop)) is not None
        ]
        described = w(
            "scale.text",
            before=w("unknown") if preop is None else self.recorded(preop),
            after=self.with_letters(after),
            level=f"{interval['level']:.0%}",
            worst=self.line(ends[1]),
            best=self.line(ends[0]),
            left=scale.text(scale.worst),
            right=scale.text(scale.best),
        )
        return figures.before_and_after(
            scale, w, f"scale-{eye['laterality']}", preop=before,
            postop=(after, f"{w('predicted')} {self.line(after)}"), interval=ends,
            thresholds=thresholds, reached=reached, details=described,
        )  # fmt: skip

    def _short(self, key: str, preop: Mapping[str, Any]) -> str:
        return f"{self.words(key)} {preop['off_chart'] or self.recorded(preop)}"

    @staticmethod
    def _threshold(outcome: Outcome, preop: Mapping[str, Any] | None) -> float | None:
        """The poorest acuity that reaches an outcome; None where that is not known."""
        if outcome.needs_preop and preop is None:
            return None
        # `margin` is the distance to it, so that of 0 logMAR is the threshold itself.
        return float(outcome.margin(preop["logmar"] if preop else 0.0, 0.0))

    def question(self, outcome: Outcome) -> str:
        """An outcome in the clinic's notation."""
        w = self.words
        if outcome.kind == "reach":
            return w("outcome.reach", line=self.line(outcome.threshold_logmar or 0.0))
        if outcome.kind == "decimal_gain":
            return w("outcome.decimal_gain", value=f"{outcome.threshold_decimal:g}")
        gain = outcome.threshold_logmar or 0.0
        lines = round(gain / LINE_LOGMAR)
        if abs(gain - lines * LINE_LOGMAR) > 1e-6:
            return w("outcome.gain_logmar", value=f"{gain:.2f}")
        return w("outcome.gain", lines=self._count("lines", lines))

    def _chance(self, outcome: Outcome, eye: Mapping[str, Any]) -> dict[str, Any]:
        p = eye["p_recovery"][outcome.name]
        # As the words: never all, never none.
        count = 0 if p is None else min(max(round(100 * p), 1), 99)
        return {
            "question": self.question(outcome),
            "frequency": frequency(self.words, p),
            "dots": None if p is None else figures.hundred_dots(count),
        }

    def _similar(self, eye: Mapping[str, Any], details: EyeDetails | None) -> str:
        w = self.words
        if details is None or details.similar_logmar is None:
            return ""
        if eye["preop"] is None:
            return w("similar.unknown")
        reached = details.similar_logmar
        if len(reached) < FEWEST_NEIGHBOURS:
            return w("similar.few", least=FEWEST_NEIGHBOURS)
        best, middle, worst = np.percentile(reached, [25, 50, 75])
        lines = f"{WITHIN_LOGMAR / LINE_LOGMAR:g}"
        ends = self.line(worst), self.line(best)
        range_ = w("similar.same" if ends[0] == ends[1] else "similar.half",
                   worst=ends[0], best=ends[1])  # fmt: skip
        return w(
            "similar.sentence", n=len(reached), lines=w("lines.many", n=lines),
            middle=self.line(middle), range=range_,
        )  # fmt: skip

    # Scans

    def _scan(
        self,
        view: Mapping[str, Any],
        bscan: BScan,
        eye: Mapping[str, Any],
        details: EyeDetails | None,
        outlined: Outlined,
    ) -> dict[str, Any]:
        w, name = self.words, view["name"]
        found = None if details is None else details.scans.get(name)
        layers, lesions = outlined.get(name, (None, []))
        shown = w.name("view", name)
        alt = [w("scan.alt", view=shown, eye=w(eye["laterality"]))]
        if found is not None:
            kinds = [w(f"surface.{one}") for one in SURFACE_COLOURS]
            kinds += [w(f"area.{one}") for one in lesions]
            alt.append(w("scan.layers_alt", found=w.list(kinds)))
        notes = [w.note(note.code, note.text) for note in bscan.notes]
        if details is not None and found is None:
            notes.insert(0, w("not_outlined"))
        heat = None if details is None else details.heat_maps.get(name)
        strongest = 0.0 if details is None else _strongest(details)
        quality = view["quality"]
        word = "poor" if quality < LOW_QUALITY else "fair" if quality < GOOD_QUALITY else "good"
        return {
            "view": shown,
            "picture": _data("jpeg", jpeg(bscan.pixels, WIDTH_PX, JPEG_QUALITY)),
            "width": bscan.pixels.shape[1],
            "height": bscan.pixels.shape[0],
            "layers": layers,
            "heat": None
            if heat is None or strongest < LETTER_LOGMAR / 2
            else _data("png", figures.heat_picture(heat, strongest)),
            "alt": " ".join(alt),
            "quality": w("quality", word=w(f"quality.{word}"), value=f"{quality:.2f}"),
            "notes": w("list.semicolon").join(notes),
        }

    def _heat(self, details: EyeDetails) -> dict[str, str] | None:
        if not details.heat_maps:
            return None
        letters = _strongest(details) / LETTER_LOGMAR
        scale = "" if letters < 0.5 else self.words("heat.scale", n=f"{letters:.1f}")
        return {"scale": scale}

    def _legend(self, outlined: Outlined) -> list[tuple[str, str]]:
        if not outlined:
            return []
        by_colour: dict[str, list[str]] = {}
        for name, colour in SURFACE_COLOURS.items():
            by_colour.setdefault(figures.rgb(colour), []).append(self.words(f"surface.{name}"))
        legend = [(self.words.list(names), colour) for colour, names in by_colour.items()]
        seen = {name for _, lesions in outlined.values() for name in lesions}
        return legend + [
            (self.words(f"area.{name}"), figures.rgb(colour))
            for name, colour in LESION_COLOURS.items()
            if name in seen
        ]

    # Measures

    def _measures(self, details: EyeDetails) -> dict[str, Any] | None:
        w, scans = self.words, details.scans
        if not scans:
            return None
        names = [
            name
            for name in ALWAYS
            if any(scan.measures[name] is not None for scan in scans.values())
        ]
        absent = []
        for sign, candidates in LESION_SIGNS.items():
            known = [
                name for name in candidates
                if any(scan.measures[name] is not None for scan in scans.values())
            ]  # fmt: skip
            shown = [
                name
                for name in known
                if any((scan.measures[name] or 0) > 0 for scan in scans.values())
            ]
            in_um = [name for name in shown if not name.endswith("_share")]
            names += in_um or shown
            if not shown and (known or sign == "hole"):
                absent.append(w(f"lesion.{sign}"))
        units = {one.name: one.unit for one in DEFINITIONS}
        rows = [
            {
                "name": w(f"measure.{name}"),
                "cells": [self._cell(name, units[name], scan) for scan in scans.values()],
                "usual": self._usual(name),
                "unit": self._unit(name, units[name]),
            }
            for name in names
        ]
        sources = [NORMAL_RANGES[name].source for name in names if name in NORMAL_RANGES]
        return {
            "views": [w.name("view", view) for view in scans],
            "rows": rows,
            "absent": w("measures.not_found", list=w.list(absent)) if absent else "",
            "source": w("measures.source", sources=w("list.semicolon").join(dict.fromkeys(sources)))
            if sources
            else "",
            "notes": self._scan_notes(details),
        }

    def _scan_notes(self, details: EyeDetails) -> list[str]:
        """Why something was not measured, said once where it is so in every scan."""
        by_note: dict[str, list[str]] = {}
        for view, scan in details.scans.items():
            why = [details.scale_notes[view]] if details.scale_notes.get(view) else []
            lengths = () if not why else ("the height of a pixel", "the distance of A-scans")
            for note in [*why, *scan.measures.notes]:
                if not note.startswith(lengths or ("\0",)):
                    by_note.setdefault(note, []).append(self.words.name("view", view))
        return [
            self.words.sentence(note)
            if len(views) == len(details.scans)
            else f"{self.words.list(views)}: {self.words.sentence(note)}"
            for note, views in by_note.items()
        ]

    def _unit(self, name: str, unit: str) -> str:
        if unit == "share":
            return self.words("unit.share" if name == "membrane_share" else "unit.of_width")
        return self.words(f"unit.{unit}")

    def _cell(self, name: str, unit: str, scan: MeasuredScan) -> dict[str, str]:
        value, w = scan.measures[name], self.words
        if value is None:
            return {"text": "–", "mark": w("measures.dash"), "kind": "soft"}
        text = (
            f"{100 * value:.0f}"
            if unit == "share"
            else f"{value:.3g}"
            if unit == "mm2"
            else f"{value:.0f}"
        )
        normal = NORMAL_RANGES.get(name)
        if normal is not None:
            low, high = normal.limits
            if value < low or value > high:
                return {
                    "text": text,
                    "mark": w(f"measures.{'below' if value < low else 'above'}"),
                    "kind": "odd-value",
                }
        if name in NONE_IF_HEALTHY and value > 0:
            return {"text": text, "mark": w("measures.found"), "kind": "odd-value"}
        return {"text": text, "mark": "", "kind": ""}

    def _usual(self, name: str) -> str:
        normal = NORMAL_RANGES.get(name)
        if normal is not None:
            return "{}–{}".format(*normal.limits)
        return self.words("measures.none" if name in NONE_IF_HEALTHY else "measures.no_range")

    # Explanation

    def _why(self, eye: Mapping[str, Any], details: EyeDetails) -> dict[str, Any]:
        w, why = self.words, details.explanation
        total = math.floor(letters_of(eye["postop"]["logmar"]) + 0.5)  # as letters_from_logmar
        parts = [letters_of(why.base_logmar)]
        parts += [-one.logmar / LETTER_LOGMAR for one in why.contributions]
        values = figures.letters_that_add_up(parts, total)
        bars = figures.waterfall(values)
        ends = [end for pair in bars for end in pair]
        low, high = min(ends) - 1, max(ends) + 1
        names = [
            w("why.start"),
            *(self._input(one.name, one.kind, eye) for one in why.contributions),
        ]
        rows = [
            {
                "name": name,
                "bar": figures.contribution_bar(
                    start, end, low, high, "raises" if end > start else "lowers"
                ),
                "value": f"{value}" if k == 0 else _signed(value),
            }
            for k, (name, value, (start, end)) in enumerate(zip(names, values, bars, strict=True))
        ]
        weight = self.model["image_weight"]
        influence = ""
        if weight is not None:
            share = f"{weight:.0%}"
            influence = w("why.image_weight", share=share) if weight else w("why.image_weight_none")
        return {"rows": rows, "total": total, "influence": influence}

    def _input(self, name: str, kind: str, eye: Mapping[str, Any]) -> str:
        w = self.words
        if kind == "view":
            direction = name.removesuffix(" views")
            key = "why.views" if name.endswith(" views") else "why.view"
            return w(key, view=w.name("view", direction))
        if kind == "covariates":
            given = [
                self._covariate_name(one)
                for one in eye["covariates"]
                if one["value"] is not None and not one["measured_in"]
            ]
            return w("why.covariates", names=w.list(given))
        return w(f"why.{kind}")

    def _what_if(self, eye: Mapping[str, Any], details: EyeDetails) -> Markup | None:
        rows = details.explanation.to_dict()["what_if"]
        if len(rows) < 2:
            return None
        preop = eye["preop"]
        here = None
        if preop is not None and not preop["off_chart"]:
            known = rows[0]["preop_logmar"] - 0.05, rows[-1]["preop_logmar"] + 0.05
            if known[0] <= preop["logmar"] <= known[1]:
                here = preop["logmar"], eye["postop"]["logmar"]
        scale = figures.Scale.of([], self.notation, self.chinese)
        return figures.what_if_curve(rows, here, scale, self.words, f"what-if-{eye['laterality']}")

    # Used for this prediction

    def _covariate_name(self, one: Mapping[str, Any]) -> str:
        """Name of a covariate without its unit: `axial length` of `axial_length_mm`."""
        w = self.words
        if one["measured_in"]:
            view = one["measured_in"]
            measure = one["name"].removeprefix(f"{view}_")
            key = f"measure.{measure}"
            label = w(key) if w.known(key) else measure.replace("_", " ")
            return f"{w.name('view', view)} {label}"
        if w.known(f"covariate.{one['name']}"):
            return w(f"covariate.{one['name']}")
        return one["name"].removesuffix(f"_{one['unit']}").replace("_", " ")

    def _covariate(self, one: Mapping[str, Any]) -> str:
        w, value, unit = self.words, one["value"], one["unit"]
        text = value if isinstance(value, str) else f"{value:g}"
        if one.get("kind") == "binary":
            text = {"0": w("no"), "1": w("yes")}.get(text, text)
        elif unit:
            key = f"quantity.{unit}"
            text = w(key, value=text) if w.known(key) else f"{text} {w.name('unit', unit)}"
        text = f"{self._covariate_name(one)} {text}"
        low, high = one["training_range"] or (None, None)
        return text if low is None else w("used.range", text=text, low=f"{low:g}", high=f"{high:g}")

    def _used(self, eye: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Pairs of what it is, and what was used."""
        w, semicolon = self.words, self.words("list.semicolon")
        known = [one for one in eye["covariates"] if one["value"] is not None]
        missing = [
            self._covariate_name(one)
            for one in eye["covariates"]
            if one["value"] is None and not one["measured_in"]
        ]
        baselines = eye["baselines"]
        absent = [w.name("view", one["name"]) for one in eye["views"] if not one["present"]]
        rows = [
            ("used.recorded", eye["preop"]["text"] if eye["preop"] else w("unknown")),
            ("used.covariates", semicolon.join(
                self._covariate(one) for one in known if not one["measured_in"])),
            ("used.measures", semicolon.join(
                self._covariate(one) for one in known if one["measured_in"])),
            ("used.not_given", w.list(missing)),
            ("missing_scans", w.list(absent)),
            ("used.baselines", self._baselines(baselines)),
            ("used.clinical", self.line(baselines[STACK]) if STACK in baselines else ""),
            ("used.from_measures", self.line(baselines[MEASURES_BASELINE])
                if MEASURES_BASELINE in baselines else ""),
            ("used.elsewhere", self._elsewhere(eye["postop"]["logmar"])),
        ]  # fmt: skip
        notes = [self._measurement_note(note) for note in eye["measurement_notes"]]
        rows.append(("notes", semicolon.join(notes)))
        return [(w(key), text) for key, text in rows if text]

    def _measurement_note(self, note: str) -> str:
        view, colon, text = note.partition(": ")
        if not colon:
            return self.words.sentence(note)
        return f"{self.words.name('view', view)}: {self.words.sentence(text)}"

    def _baselines(self, predicted: Mapping[str, float]) -> str:
        """What models without the scans predict; those that know the eye, if any do."""
        # Where there are measures, the clinical start may hold them too.
        of_scans = {MEASURES_BASELINE, STACK} if MEASURES_BASELINE in predicted else set()
        without = {name: value for name, value in predicted.items() if name not in of_scans}
        known = [value for name, value in without.items() if name not in ("mean", "median")]
        values = known or list(without.values())
        if not values:
            return ""
        models = self._count("used.models", len(values))
        low, high = self.line(max(values)), self.line(min(values))
        key = "used.baselines_one" if low == high else "used.baselines_text"
        return self.words(key, low=low, high=high, models=models)

    def _elsewhere(self, logmar: float) -> str:
        shown = []
        for notation in REPORT_NOTATIONS:
            if notation != self.notation and on_chart(logmar):
                text = in_notation(logmar, notation, chinese_chart=self.chinese)
                unit = self.words(f"notation.{notation}")
                plain = text if "/" in text else f"{text} {unit}"
                shown.append(f"{unit} {text}" if self.chinese and "/" not in text else plain)
        return self.words("list.semicolon").join(shown)


def _strongest(details: EyeDetails) -> float:
    """Largest absolute value of the heat maps of an eye, logMAR."""
    return max((float(np.nanmax(np.abs(heat))) for heat in details.heat_maps.values()), default=0.0)


def _signed(value: int) -> str:
    return f"+{value}" if value > 0 else f"{value}".replace("-", "−")


def _logmar(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _data(kind: str, picture: bytes) -> str:
    """A picture as a data URI; it was encoded anew, so it carries no metadata."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
