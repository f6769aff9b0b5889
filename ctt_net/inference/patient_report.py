"""The page for the clinician: one A4 page an eye, in the clinic's notation and language."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ctt_net.acuity import (
    ReportNotation,
)
from ctt_net.acuity.notation import LINE_LOGMAR
from ctt_net.imaging import BScan
from ctt_net.inference import patient_figures as figures
from ctt_net.inference.patient_details import EyeDetails
from ctt_net.inference.patient_drawing import Scale
from ctt_net.inference.patient_scans import ScanSection
from ctt_net.inference.patient_texts import PageTexts, frequency
from ctt_net.inference.patient_why import WhySection
from ctt_net.inference.words import Language, Words
from ctt_net.outcome import Outcome
from ctt_net.report.page import render
from ctt_net.uncertainty.abstention import ABSTAIN
from ctt_net.uncertainty.similar_eyes import FEWEST_NEIGHBOURS, WITHIN_LOGMAR

TEMPLATES = Path(__file__).parent / "templates"
LETTER_LOGMAR = 0.02
NOT_EXPLAINED = {"why": None, "what_if": None}


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
    texts = PageTexts(words, in_, prediction["model"])
    page = _Page(texts)
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
        *([words("followup", days=texts.days(days[0], days[2]))] if days else []),
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


class _Page:
    """What the template needs, eye by eye.

    Args:
        texts: Of the page.
    """

    def __init__(self, texts: PageTexts) -> None:
        self.texts = texts

    def eye(
        self, eye: Mapping[str, Any], scans: Mapping[str, BScan], details: EyeDetails | None
    ) -> dict[str, Any]:
        """What the template needs of one eye."""
        w, side = self.texts.words, eye["laterality"]
        reached = None if details is None else details.similar_logmar
        if reached is not None and len(reached) < FEWEST_NEIGHBOURS:
            reached = None
        interval = eye["interval"]
        values = [
            eye["postop"]["logmar"], interval["upper_logmar"],
            *([eye["preop"]["logmar"]] if eye["preop"] else []),
        ]  # fmt: skip
        similar = [] if reached is None else reached.tolist()
        scale = Scale.of([*values, *similar], self.texts.notation, self.texts.chinese)
        return {
            "id": side,
            "name": w(side),
            "abstains": bool(eye["abstain_because"]),
            "because": [w(f"reason.{name}") for name in eye["abstain_because"]],
            "cautions": self._cautions(eye),
            "answer": self._answer(eye),
            "interval": self._interval(eye),
            "scale": self._scale(eye, scale, reached),
            "chances": [self._chance(one, eye) for one in self.texts.outcomes],
            **ScanSection(self.texts, eye, scans, details).filled(),
            **(WhySection(self.texts, eye, details).filled() if details else NOT_EXPLAINED),
            "similar": self._similar(eye, details),
            "used": self.texts.used(eye),
        }

    def _cautions(self, eye: Mapping[str, Any]) -> list[str]:
        w, model = self.texts.words, self.texts.model
        said = [w("synthetic")] if model["synthetic"] else []
        details: dict[str, list[str]] = {}
        names = {one["name"]: self.texts.covariate_name(one) for one in eye["covariates"]}
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

    def _answer(self, eye: Mapping[str, Any]) -> Markup:
        w, after = self.texts.words, eye["postop"]["logmar"]
        best, worst = (
            self.texts.line(eye["interval"][f"{end}_logmar"]) for end in ("lower", "upper")
        )
        range_ = w("between", worst=worst, best=best)
        if best == worst:
            range_ = w("about", value=best)
        strong = Markup("<strong>{}</strong>")
        return Markup(
            w(
                "answer",
                after=strong.format(self.texts.with_letters(after)),
                range=range_,
                now=self._now(eye["preop"], after),
            )
        )

    def _now(self, preop: Mapping[str, Any] | None, after: float) -> str:
        w = self.texts.words
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
                lines=self.texts.count("lines", lines),
                letters=self.texts.count("letters", letters),
            )
        return w("now", before=self.texts.recorded(preop), change=change)

    def _interval(self, eye: Mapping[str, Any]) -> str:
        w, interval = self.texts.words, eye["interval"]
        level = interval["level"]
        text = w(
            "interval",
            level=f"{level:.0%}",
            best=_logmar(interval["lower_logmar"]),
            worst=_logmar(interval["upper_logmar"]),
            value=_logmar(eye["postop"]["logmar"]),
        )
        if not eye["abstain_because"] and not self.texts.model["warnings"]:
            text += " " + w("promise", n=round(100 * level))
        return text + " " + w("not_considered")

    def _scale(
        self,
        eye: Mapping[str, Any],
        scale: Scale,
        reached: NDArray[np.float64] | None,
    ) -> Markup:
        w, preop, interval = self.texts.words, eye["preop"], eye["interval"]
        before = None if preop is None else (preop["logmar"], self._short("before", preop))
        after = eye["postop"]["logmar"]
        ends = interval["lower_logmar"], interval["upper_logmar"]
        thresholds = [
            (threshold, self.texts.question(one))
            for one in self.texts.outcomes
            if (threshold := self._threshold(one, preop)) is not None
        ]
        described = w(
            "scale.text",
            before=w("unknown") if preop is None else self.texts.recorded(preop),
            after=self.texts.with_letters(after),
            level=f"{interval['level']:.0%}",
            worst=self.texts.line(ends[1]),
            best=self.texts.line(ends[0]),
            left=scale.text(scale.worst),
            right=scale.text(scale.best),
        )
        return figures.before_and_after(
            scale, w, f"scale-{eye['laterality']}", preop=before,
            postop=(after, f"{w('predicted')} {self.texts.line(after)}"), interval=ends,
            thresholds=thresholds, reached=reached, details=described,
        )  # fmt: skip

    def _short(self, key: str, preop: Mapping[str, Any]) -> str:
        return f"{self.texts.words(key)} {preop['off_chart'] or self.texts.recorded(preop)}"

    @staticmethod
    def _threshold(outcome: Outcome, preop: Mapping[str, Any] | None) -> float | None:
        """The poorest acuity that reaches an outcome; None where that is not known."""
        if outcome.needs_preop and preop is None:
            return None
        # `margin` is the distance to it, so that of 0 logMAR is the threshold itself.
        return float(outcome.margin(preop["logmar"] if preop else 0.0, 0.0))

    def _chance(self, outcome: Outcome, eye: Mapping[str, Any]) -> dict[str, Any]:
        p = eye["p_recovery"][outcome.name]
        # As the words: never all, never none.
        count = 0 if p is None else min(max(round(100 * p), 1), 99)
        return {
            "question": self.texts.question(outcome),
            "frequency": frequency(self.texts.words, p),
            "dots": None if p is None else figures.hundred_dots(count),
        }

    def _similar(self, eye: Mapping[str, Any], details: EyeDetails | None) -> str:
        w = self.texts.words
        if details is None or details.similar_logmar is None:
            return ""
        if eye["preop"] is None:
            return w("similar.unknown")
        reached = details.similar_logmar
        if len(reached) < FEWEST_NEIGHBOURS:
            return w("similar.few", least=FEWEST_NEIGHBOURS)
        best, middle, worst = np.percentile(reached, [25, 50, 75])
        lines = f"{WITHIN_LOGMAR / LINE_LOGMAR:g}"
        ends = self.texts.line(worst), self.texts.line(best)
        range_ = w("similar.same" if ends[0] == ends[1] else "similar.half",
                   worst=ends[0], best=ends[1])  # fmt: skip
        return w(
            "similar.sentence", n=len(reached), lines=w("lines.many", n=lines),
            middle=self.texts.line(middle), range=range_,
        )  # fmt: skip


def _logmar(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
