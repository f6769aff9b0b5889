"""What the prediction rests on, on the patient's page: contributions and what-if curve."""

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ctt_net.inference import patient_figures as figures
from ctt_net.inference.patient_details import EyeDetails
from ctt_net.inference.patient_drawing import Scale
from ctt_net.inference.patient_texts import PageTexts

LETTER_LOGMAR = 0.02


class WhySection:
    """Contributions and what-if curve of one eye.

    Args:
        texts: Of the page.
        eye: Entry of prediction.json.
        details: Of the eye.
    """

    def __init__(self, texts: PageTexts, eye: Mapping[str, Any], details: EyeDetails) -> None:
        self.texts, self.eye, self.details = texts, eye, details

    def filled(self) -> dict[str, Any]:
        """What the template needs."""
        return {"why": self._why(), "what_if": self._what_if()}

    def _why(self) -> dict[str, Any]:
        w, eye, why = self.texts.words, self.eye, self.details.explanation
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
        weight = self.texts.model["image_weight"]
        influence = ""
        if weight is not None:
            share = f"{weight:.0%}"
            influence = w("why.image_weight", share=share) if weight else w("why.image_weight_none")
        return {"rows": rows, "total": total, "influence": influence}

    def _input(self, name: str, kind: str, eye: Mapping[str, Any]) -> str:
        w = self.texts.words
        if kind == "view":
            direction = name.removesuffix(" views")
            key = "why.views" if name.endswith(" views") else "why.view"
            return w(key, view=w.name("view", direction))
        if kind == "covariates":
            given = [
                self.texts.covariate_name(one)
                for one in eye["covariates"]
                if one["value"] is not None and not one["measured_in"]
            ]
            return w("why.covariates", names=w.list(given))
        return w(f"why.{kind}")

    def _what_if(self) -> Markup | None:
        eye = self.eye
        rows = self.details.explanation.to_dict()["what_if"]
        if len(rows) < 2:
            return None
        preop = eye["preop"]
        here = None
        if preop is not None and not preop["off_chart"]:
            known = rows[0]["preop_logmar"] - 0.05, rows[-1]["preop_logmar"] + 0.05
            if known[0] <= preop["logmar"] <= known[1]:
                here = preop["logmar"], eye["postop"]["logmar"]
        scale = Scale.of([], self.texts.notation, self.texts.chinese)
        return figures.what_if_curve(
            rows, here, scale, self.texts.words, f"what-if-{eye['laterality']}"
        )


def letters_of(logmar: float) -> float:
    """ETDRS letters, not rounded and beyond a chart's ends too: for sums and differences."""
    return 85 - logmar / LETTER_LOGMAR


def _signed(value: int) -> str:
    return f"+{value}" if value > 0 else f"{value}".replace("-", "−")
