"""A trained model in Python: predict a patient or a cohort, evaluate; and new networks."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.acuity import ReportNotation
from ctt_net.api.run import REPORT_FILE, Result, Run
from ctt_net.cohort import Cohort
from ctt_net.errors import InputError, count_of, install_extra
from ctt_net.imaging import Preprocessing
from ctt_net.inference.predict import PatientPrediction, check_no_earlier, predict_patient
from ctt_net.inference.words import Language
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from torch import nn

    from ctt_net.explain import Explanation
    from ctt_net.inference.explain_patient import PatientExplanation

HeatMapMethod = Literal["occlusion", "gradient"]


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


class Model:
    """A trained model: one model folder, or the ensemble of a run's folds.

    Args:
        predictor: Its members.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor

    @property
    def views(self) -> list[str]:
        """Names of the views it was trained with."""
        return list(self.predictor.spec.views)

    @property
    def covariates(self) -> list[str]:
        """Names of the covariates that its network reads."""
        return list(self.predictor.spec.covariates)

    @property
    def preprocessing(self) -> Preprocessing:
        """From a B-scan to the network's input; for `Cohort.scan`."""
        return self.predictor.spec.preprocessing

    def predict(
        self,
        folder: Path | str,
        preop_va: Mapping[str, str] | None = None,
        notation: str | None = None,
        *,
        heat_maps: bool = False,
    ) -> PatientResult:
        """Predict the eyes of one patient's folder; nothing is written.

        Args:
            folder: Scans named by eye and view, and perhaps `patient.yaml`.
            preop_va: Preoperative acuity by eye, such as `{"OD": "20/60"}`; overrides the file.
            notation: Of these values; fractions and words such as CF need none.
            heat_maps: Also make the heat maps of the scans for the report; takes seconds.

        Raises:
            InputError: If the folder, a scan or an acuity is wrong.
        """
        given = tuple(f"{eye}={va}" for eye, va in (preop_va or {}).items())
        done = predict_patient(folder, self.predictor, None, given, notation, heat_maps=heat_maps)
        return PatientResult(done)

    def explain(
        self,
        folder: Path | str,
        preop_va: Mapping[str, str] | None = None,
        notation: str | None = None,
        method: HeatMapMethod = "occlusion",
    ) -> "ExplanationResult":
        """Say why the eyes of a patient are predicted as they are; nothing is written.

        Args:
            folder: As for `predict`.
            preop_va: As for `predict`.
            notation: As for `predict`.
            method: Of the heat maps; `gradient` needs the extras `train` and `explain`.

        Raises:
            InputError: As for `predict`; or if the method is unknown or not installed.
        """
        from ctt_net.inference.explain_patient import explain_patient

        given = tuple(f"{eye}={va}" for eye, va in (preop_va or {}).items())
        if method not in get_args(HeatMapMethod):
            raise InputError(
                f"method must be one of {', '.join(get_args(HeatMapMethod))}, got {method!r}"
            )
        networks = self._networks() if method == "gradient" else None
        return ExplanationResult(
            explain_patient(folder, self.predictor, None, given, notation, networks=networks)
        )

    def _networks(self) -> "list[nn.Module]":
        """The torch network of each member."""
        try:
            from ctt_net.training.architecture import load_network
        except ModuleNotFoundError as error:
            if str(error.name).startswith("ctt_net"):
                raise
            raise InputError(
                f"gradient-based heat maps need {error.name}, which is not installed; "
                f"{install_extra('train,explain')}"
            ) from None
        return [load_network(member.folder) for member in self.predictor.members]

    def predict_many(
        self,
        patients: Path | str,
        *,
        notation: str | None = None,
        workers: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Predict many patients, one after another; nothing is written.

        `ctt-net predict` does the same and keeps the rows; it can be stopped and goes on.

        Args:
            patients: Folder of patient folders, cohort folder (outcomes are not needed), or table
                of files (CSV).
            notation: Of the acuities in a table, where no column says it.
            workers: Processes; None = all cores where there are enough patients. With more than 1,
                a script must begin with `if __name__ == "__main__":`.

        Yields:
            Of each patient the contents of prediction.json, without `details`; of one that cannot
            be predicted `{"patient_id": ..., "error": ...}`.

        Raises:
            InputError: If the input as a whole cannot be used.

        Example:
            >>> import ctt_net
            >>> model = ctt_net.load_model("runs/ctt_net")  # doctest: +SKIP
            >>> for one in model.predict_many("data/clinic"):  # doctest: +SKIP
            ...     print(one["patient_id"], one.get("error") or one["eyes"][0]["postop"])
        """
        from ctt_net.inference.many import predict_each
        from ctt_net.inference.patient_list import list_patients

        listed = list_patients(Path(patients), self.predictor, notation)
        for answer in predict_each(listed.patients, self.predictor, workers):
            yield answer.prediction or {"patient_id": answer.patient.name, "error": answer.error}

    def predict_cohort(self, cohort: Path | str | Cohort) -> pd.DataFrame:
        """Predict all eyes of a cohort.

        Args:
            cohort: A cohort, or its folder.

        Returns:
            One row per eye with the columns of `predictions.csv`.

        Raises:
            InputError: If the cohort, its views or its covariates do not suit the model.
        """
        from ctt_net.inference.evaluate import predict_cohort

        return predict_cohort(self.predictor, cohort)

    @classmethod
    def from_pretrained(cls, name: Path | str, revision: str | None = None) -> "Model":
        """Load a model that was given away: a folder, or a name on the Hugging Face Hub.

        Args:
            name: Folder, or `organisation/name` where there is no such folder.
            revision: Branch, tag or commit on the hub.

        Raises:
            InputError: If there is no such model, or the extra `hub` is not installed.

        Example:
            >>> import ctt_net
            >>> model = ctt_net.Model.from_pretrained("my-clinic/ctt-net")  # doctest: +SKIP
        """
        from ctt_net.model_folder.pretrained import SIMULATED, fetch

        if Path(name).exists() or str(name) == SIMULATED:
            return cls(Predictor.load(name))
        return cls(Predictor.load(fetch(str(name), revision)))

    def save_pretrained(self, folder: Path | str, note: str = "", overwrite: bool = False) -> Path:
        """Write the model to a folder to be given away, with a card; no patient's row is in it.

        Args:
            folder: To make; `load_model`, `from_pretrained` and the commands take it.
            note: For the card: whom to ask, what to cite, under which licence.
            overwrite: Replace an existing folder.

        Returns:
            The folder.

        Raises:
            InputError: If the folder exists or cannot be written.

        Example:
            >>> import ctt_net
            >>> model = ctt_net.load_model("runs/ctt_net")  # doctest: +SKIP
            >>> model.save_pretrained("out/my_model", "Ask eyes@example.org.")  # doctest: +SKIP
        """
        from ctt_net.export.pretrained import save_pretrained

        return save_pretrained(self.predictor, folder, note, overwrite)

    def info(self) -> dict[str, Any]:
        """What the model is, as `ctt-net info --json` prints it: training, figures, digests."""
        from ctt_net.inference.model_info import model_info

        return model_info(self.predictor)

    def __repr__(self) -> str:
        spec = self.predictor.spec
        networks = count_of(len(self.predictor.members), "network")
        return f"Model({spec.name}: {networks}, views {', '.join(spec.views)})"


def load_model(path: Path | str | Run) -> Model:
    """Load a trained model; needs no torch.

    Args:
        path: Run folder (its folds as an ensemble), model folder, or a run; `simulated` for the
            small model that comes with ctt-net (no clinical validity), or `hf://organisation/name`
            for one of the Hugging Face Hub.

    Raises:
        InputError: If there is no model, or a file of it is damaged.

    Example:
        >>> import ctt_net
        >>> model = ctt_net.load_model("runs/ctt_net")  # doctest: +SKIP
        >>> model.predict("data/patient_0042", preop_va={"OD": "20/60"}).eyes  # doctest: +SKIP
    """
    return Model(Predictor.load(path.folder if isinstance(path, Run) else path))


def evaluate(
    model: Model | Run | Path | str | pd.DataFrame,
    cohort: Path | str | Cohort,
    *,
    allow_training_eyes: bool = False,
    interval_level: float = 0.9,
) -> Result:
    """Measure a model, or a table of predictions, on a held-out cohort beside its comparators.

    Each evaluation of a model is recorded in its run folder and counted, as `ctt-net evaluate`
    does.

    Args:
        model: A model, a run, the folder of either; or predictions with the columns of
            `predictions.csv`, in memory or as a file.
        cohort: A cohort, or its folder; rows of `split` test where there are any, else all.
        allow_training_eyes: Go on although patients or scans took part in the training.
        interval_level: Nominal coverage of the intervals, of a table only.

    Raises:
        InputError: If something is wrong, or eyes of the training are among the rows.

    Example:
        >>> import ctt_net
        >>> result = ctt_net.evaluate("runs/ctt_net", "data/held_out")  # doctest: +SKIP
        >>> result.metrics.loc["regression.mae"]  # doctest: +SKIP
    """
    from ctt_net.inference.evaluate import evaluate_model, evaluate_table

    if isinstance(model, pd.DataFrame) or (
        isinstance(model, str | Path) and Path(model).suffix == ".csv"
    ):
        return Result(evaluate_table(model, cohort, level=interval_level))
    if isinstance(model, str | Path | Run):
        model = load_model(model)
    done = evaluate_model(model.predictor, cohort, allow_training_eyes=allow_training_eyes)
    return Result(done)


def create_model(
    config: Path | str = "ctt_net",
    *,
    num_views: int = 2,
    covariate_levels: Sequence[int] = (),
    **model: Any,
) -> "nn.Module":
    """Build the network of a configuration, with new weights.

    Args:
        config: A file, or the name of a configuration that comes with ctt-net.
        num_views: Views an eye can have.
        covariate_levels: Of each covariate the number of its levels (2 for yes or no), 0 for a
            numeric one; no covariates by default.
        model: Overrides of the section `model`, such as `fusion="MeanFusion"`; `backbone` also
            takes the name of a timm network.

    Returns:
        A network of `(views (B, V, 1, H, W), view_present (B, V), preop_logmar (B,))`.

    Raises:
        InputError: If a name or value is wrong, or the extra `train` is not installed.

    Example:
        >>> import ctt_net
        >>> net = ctt_net.create_model("ctt_net", backbone="resnet18", num_views=3)
        >>> type(net).__name__, net.num_views
        ('MultiViewNet', 3)
    """
    from ctt_net.training.config_keys import as_arguments, check_arguments, config_file

    if num_views < 1:
        raise InputError(f"num_views must be 1 or more, got {num_views}")
    backbone = model.get("backbone")
    if isinstance(backbone, str) and "." not in backbone and not backbone.endswith("Backbone"):
        model["backbone"] = {"class_path": "TimmBackbone", "init_args": {"name": backbone}}
    arguments = as_arguments({"config": config_file(str(config)), "model": model})
    try:
        check_arguments("train", arguments)
        from ctt_net.training.architecture import network_of
    except ModuleNotFoundError as error:
        if str(error.name).startswith("ctt_net"):
            raise
        raise InputError(
            f"a network needs {error.name}, which is not installed; {install_extra('train')}"
        ) from None
    return network_of(arguments, num_views, covariate_levels)
