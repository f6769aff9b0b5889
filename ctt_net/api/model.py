"""A trained model in Python: predict a patient or a cohort, evaluate; and new networks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from ctt_net.api.patient import ExplanationResult, PatientResult
from ctt_net.api.run import Result, Run
from ctt_net.cohort import Cohort
from ctt_net.errors import InputError, count_of, install_extra
from ctt_net.imaging import Preprocessing
from ctt_net.inference.predict import predict_patient
from ctt_net.model_folder.predictor import Predictor

if TYPE_CHECKING:
    from torch import nn


HeatMapMethod = Literal["occlusion", "gradient"]


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
