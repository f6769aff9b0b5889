"""A trained model in Python: predict a patient or a cohort, evaluate; and new networks."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ctt_net import INTENDED_USE
from ctt_net.api.run import REPORT_FILE, Result, Run
from ctt_net.cohort import Cohort
from ctt_net.errors import InputError, count_of, install_extra
from ctt_net.imaging import Preprocessing
from ctt_net.inference.predict import PatientPrediction, check_no_earlier, predict_patient
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    from torch import nn


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

    def report(self, path: Path | str, overwrite: bool = False) -> Path:
        """Write `prediction.json` and the one-page report to a folder.

        Args:
            path: The folder.
            overwrite: Replace an earlier prediction there.

        Returns:
            The page.

        Raises:
            InputError: If the folder cannot be written or holds an earlier prediction.
        """
        check_no_earlier(Path(path), overwrite)
        self._predicted.write(Path(path))
        return Path(path) / REPORT_FILE

    def __repr__(self) -> str:
        return f"PatientResult({self._predicted.prediction['patient_id']})\n{self.eyes}"

    def _repr_html_(self) -> str:
        """The table of the eyes, for notebooks."""
        patient = escape(self._predicted.prediction["patient_id"])
        return f"<b>{patient}</b>{self.eyes.to_html(border=0)}<small>{INTENDED_USE}</small>"


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
    ) -> PatientResult:
        """Predict the eyes of one patient's folder; nothing is written.

        Args:
            folder: Scans named by eye and view, and perhaps `patient.yaml`.
            preop_va: Preoperative acuity by eye, such as `{"OD": "20/60"}`; overrides the file.
            notation: Of these values; fractions and words such as CF need none.

        Raises:
            InputError: If the folder, a scan or an acuity is wrong.
        """
        given = tuple(f"{eye}={va}" for eye, va in (preop_va or {}).items())
        return PatientResult(predict_patient(folder, self.predictor, None, given, notation))

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

    def __repr__(self) -> str:
        spec = self.predictor.spec
        networks = count_of(len(self.predictor.members), "network")
        return f"Model({spec.name}: {networks}, views {', '.join(spec.views)})"


def load_model(path: Path | str | Run) -> Model:
    """Load a trained model; needs no torch.

    Args:
        path: Run folder (its folds as an ensemble), model folder, or a run.

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
