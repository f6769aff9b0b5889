"""What a model says of one patient in Python: a prediction, and why."""

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.acuity import ReportNotation
from ctt_net.api.run import REPORT_FILE
from ctt_net.errors import InputError
from ctt_net.inference.predict import PatientPrediction, check_no_earlier
from ctt_net.inference.words import Language

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ctt_net.explain import Explanation
    from ctt_net.inference.explain_patient import PatientExplanation


class PatientResult:
    """What a model predicts of a patient's eyes; `Model.predict` makes one.

    Args:
        predicted: The prediction and the scans it was made from.
    """

    def __init__(self, predicted: PatientPrediction) -> None:
        self._predicted = predicted

    def to_dict(self) -> dict[str, Any]:
        """Contents of `prediction.json`."""
        return self._predicted.prediction

    @property
    def eyes(self) -> pd.DataFrame:
        """One row per eye; `abstain` says that the prediction must not be used, `reason` why."""
        rows = [
            {
                "laterality": eye["laterality"],
                "preop_logmar": eye["preop"]["logmar"] if eye["preop"] else float("nan"),
                "predicted_logmar": eye["postop"]["logmar"],
                "lower_logmar": eye["interval"]["lower_logmar"],
                "upper_logmar": eye["interval"]["upper_logmar"],
                "predicted_snellen": eye["postop"]["snellen_20ft"],
                **{f"p_{name}": p for name, p in eye["p_recovery"].items()},
                "abstain": eye["abstain"],
                "reason": eye["reason"],
            }
            for eye in self._predicted.prediction["eyes"]
        ]
        return pd.DataFrame(rows).set_index("laterality")

    def report(
        self,
        path: Path | str,
        overwrite: bool = False,
        *,
        language: Language = "en",
        notation: ReportNotation | None = None,
    ) -> Path:
        """Write `prediction.json` and the report, one A4 page an eye, to a folder.

        Args:
            path: The folder.
            overwrite: Replace an earlier prediction there.
            language: Of the page: `en` or `zh`.
            notation: Of its acuities: `snellen_feet`, `snellen_metres`, `decimal`, `logmar`,
                `letters` or `five_mark`; None = that of the acuity before surgery.

        Returns:
            The page.

        Raises:
            InputError: If the folder cannot be written or holds an earlier prediction.
        """
        check_no_earlier(Path(path), overwrite)
        self._predicted.write(Path(path), language, notation)
        return Path(path) / REPORT_FILE

    def __repr__(self) -> str:
        return f"PatientResult({self._predicted.prediction['patient_id']})\n{self.eyes}"

    def _repr_html_(self) -> str:
        """The table of the eyes, for notebooks."""
        patient = escape(self._predicted.prediction["patient_id"])
        return f"<b>{patient}</b>{self.eyes.to_html(border=0)}<small>{INTENDED_USE}</small>"


class ExplanationResult:
    """Why a patient's eyes are predicted as they are; `Model.explain` makes one.

    All in logMAR, positive = worse acuity; 0.02 is one letter.

    Args:
        explained: The prediction and what explains it.
    """

    def __init__(self, explained: "PatientExplanation") -> None:
        self._explained = explained

    def to_dict(self) -> dict[str, Any]:
        """Contents of `explanation.json`."""
        return self._explained.to_dict()

    @property
    def contributions(self) -> pd.DataFrame:
        """One row per eye and input: what it adds to the prediction, from the base on."""
        rows = [
            (eye, name, kind, logmar)
            for eye, one in self._eyes()
            for name, kind, logmar in (
                ("base", "base", one.base_logmar),
                *((part.name, part.kind, part.logmar) for part in one.contributions),
            )
        ]
        return pd.DataFrame(rows, columns=["laterality", "name", "kind", "logmar"])

    @property
    def what_if(self) -> pd.DataFrame:
        """One row per eye and chart line of the preoperative acuity: prediction and interval."""
        curves = [one.what_if.assign(laterality=eye) for eye, one in self._eyes()]
        whole = pd.concat(curves, ignore_index=True)
        return whole[["laterality", *whole.columns.drop("laterality")]]

    @property
    def heat_maps(self) -> "dict[tuple[str, str], NDArray[np.float32]]":
        """Eye and view to (H, W) on the scan as decoded; NaN where the network does not look."""
        return self._explained.heat_maps

    def plot(self, laterality: str) -> "Figure":
        """Contributions, what-if curve and heat maps of one eye, as a matplotlib figure.

        Args:
            laterality: `OD` or `OS`.

        Raises:
            InputError: If the patient has no such eye.
        """
        from ctt_net.explain.figure import draw_eye

        known = dict(self._eyes())
        if laterality not in known:
            raise InputError(f"no eye {laterality!r}; this patient has {', '.join(known)}")
        maps = {view: heat for (eye, view), heat in self.heat_maps.items() if eye == laterality}
        scans = {view: self._explained.scan(laterality, view) for view in maps}
        preop = self._explained.preop_logmar(laterality)
        return draw_eye(laterality, known[laterality], preop, scans, maps)

    def _eyes(self) -> "list[tuple[str, Explanation]]":
        return list(zip(self._explained.lateralities, self._explained.explanations, strict=True))

    def __repr__(self) -> str:
        patient = self._explained.predicted.prediction["patient_id"]
        return f"ExplanationResult({patient})\n{self.contributions}"

    def _repr_html_(self) -> str:
        """The contributions, for notebooks."""
        patient = escape(self._explained.predicted.prediction["patient_id"])
        table = self.contributions.to_html(border=0, index=False)
        return f"<b>{patient}</b>{table}<small>{INTENDED_USE}</small>"
