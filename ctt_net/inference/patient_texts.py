"""Acuities, covariates and outcomes as the patient's page writes them."""

from collections.abc import Mapping
from typing import Any

from ctt_net.acuity import (
    REPORT_NOTATIONS,
    ReportNotation,
    in_notation,
    letters_from_logmar,
    on_chart,
)
from ctt_net.acuity.notation import BEST_LINE, LINE_LOGMAR
from ctt_net.baselines.clinical import MEASURES_BASELINE, STACK
from ctt_net.inference.words import Words
from ctt_net.outcome import Outcome


class PageTexts:
    """Texts of one page, in its language and notation.

    Args:
        words: Of the language.
        notation: Of the acuities.
        model: `model` of prediction.json.
    """

    def __init__(self, words: Words, notation: ReportNotation, model: Mapping[str, Any]) -> None:
        self.words, self.notation, self.model = words, notation, model
        self.chinese = words.language == "zh"
        self.outcomes = [Outcome(name, **rule) for name, rule in model["outcomes"].items()]

    def line(self, logmar: float) -> str:
        """The nearest chart line, or beyond which one it lies."""
        text = in_notation(logmar, self.notation, chinese_chart=self.chinese)
        if self.notation == "letters":
            text = self.count("letters", int(text))
        if on_chart(logmar):
            return text
        return self.words("worse_than" if logmar > 0 else "better_than", line=text)

    def with_letters(self, logmar: float) -> str:
        """Chart line and letters, such as `20/25 (80 letters)`."""
        letters = letters_from_logmar(max(logmar, BEST_LINE * LINE_LOGMAR))
        if letters is None or self.notation == "letters" or not on_chart(logmar):
            return self.line(logmar)
        line = self.line(logmar)
        return self.words("with_letters", line=line, letters=self.count("letters", letters))

    def recorded(self, preop: Mapping[str, Any]) -> str:
        """An acuity before surgery: as recorded in this notation; off the chart its word."""
        if preop["off_chart"]:
            return self.words(preop["off_chart"])
        if preop["notation"] != self.notation:
            return self.line(preop["logmar"])
        text = preop["text"].strip()
        return self.count("letters", int(text)) if text.isdecimal() else text

    def count(self, what: str, n: int) -> str:
        """A number with its noun."""
        return self.words(f"{what}.one" if abs(n) == 1 else f"{what}.many", n=n)

    def days(self, low: float, high: float) -> str:
        """Time after surgery."""
        same = round(low) == round(high)
        return self.words("days" if same else "days_range", low=f"{low:.0f}", high=f"{high:.0f}")

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
        return w("outcome.gain", lines=self.count("lines", lines))

    def covariate_name(self, one: Mapping[str, Any]) -> str:
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

    def covariate(self, one: Mapping[str, Any]) -> str:
        """A covariate with its value, unit and range of the training."""
        w, value, unit = self.words, one["value"], one["unit"]
        text = value if isinstance(value, str) else f"{value:g}"
        if one.get("kind") == "binary":
            text = {"0": w("no"), "1": w("yes")}.get(text, text)
        elif unit:
            key = f"quantity.{unit}"
            text = w(key, value=text) if w.known(key) else f"{text} {w.name('unit', unit)}"
        text = f"{self.covariate_name(one)} {text}"
        low, high = one["training_range"] or (None, None)
        return text if low is None else w("used.range", text=text, low=f"{low:g}", high=f"{high:g}")

    def used(self, eye: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Pairs of what it is, and what was used."""
        w, semicolon = self.words, self.words("list.semicolon")
        known = [one for one in eye["covariates"] if one["value"] is not None]
        missing = [
            self.covariate_name(one)
            for one in eye["covariates"]
            if one["value"] is None and not one["measured_in"]
        ]
        baselines = eye["baselines"]
        absent = [w.name("view", one["name"]) for one in eye["views"] if not one["present"]]
        rows = [
            ("used.recorded", eye["preop"]["text"] if eye["preop"] else w("unknown")),
            ("used.covariates", semicolon.join(
                self.covariate(one) for one in known if not one["measured_in"])),
            ("used.measures", semicolon.join(
                self.covariate(one) for one in known if one["measured_in"])),
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
        models = self.count("used.models", len(values))
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
