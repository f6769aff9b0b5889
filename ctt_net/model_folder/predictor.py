"""Model folders in use: one network, or all folds of a run as an ensemble; no torch.

The network runs as `model.onnx`, written from the same weights as `model.safetensors`, so that a
hospital that only evaluates or predicts installs no training stack.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from ctt_net.errors import InputError
from ctt_net.evaluation import Baselines, average_baselines
from ctt_net.model_folder.baselines import read_baselines
from ctt_net.model_folder.calibration import Calibration
from ctt_net.model_folder.provenance import Provenance
from ctt_net.model_folder.spec import SPEC_FILE, ModelSpec

ONNX_FILE = "model.onnx"

# Eyes per call: enough to keep the cores busy, little enough for any memory.
BATCH = 32


@dataclass(frozen=True)
class Raw:
    """What one network says of E eyes, before calibration.

    Args:
        postop_logmar: (E,).
        scale_logmar: (E,).
        p_recovery: (E, K).
    """

    postop_logmar: NDArray[np.float64]
    scale_logmar: NDArray[np.float64]
    p_recovery: NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """What the ensemble says of E eyes.

    Args:
        postop_logmar: (E,) mean over the members.
        lower_logmar: (E,) lower end of the interval (better acuity).
        upper_logmar: (E,) upper end.
        p_recovery: (E, K), NaN where an outcome needs a preop acuity that is unknown.
    """

    postop_logmar: NDArray[np.float64]
    lower_logmar: NDArray[np.float64]
    upper_logmar: NDArray[np.float64]
    p_recovery: NDArray[np.float64]


class Session(Protocol):
    """What runs a network: onnxruntime, or whatever takes and gives arrays as it does."""

    def run(self, outputs: None, feeds: dict[str, Any], /) -> list[Any]:
        """Inputs by name to the outputs in their order, eyes first."""
        ...


class Member:
    """One model folder, loaded.

    Args:
        folder: Holds model.yaml, model.onnx, calibration.json and provenance.json.
        session: Runs in place of model.onnx, which may be missing then.

    Raises:
        InputError: If something is missing or damaged.
    """

    def __init__(self, folder: Path, session: Session | None = None) -> None:
        self.folder = folder
        self.spec = ModelSpec.read(folder)
        self.calibration = Calibration.read(folder)
        self.provenance = Provenance.read(folder)
        self._session = self._open(folder / ONNX_FILE) if session is None else session

    def _open(self, path: Path) -> onnxruntime.InferenceSession:
        if not path.is_file():
            raise InputError(f"{path}: no such file; a model folder holds one")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=onnxruntime.get_available_providers()
            )
        except Exception as error:  # onnxruntime has no base class of its own
            reason = str(error).splitlines()[0][:160]
            raise InputError(f"{path}: no usable network ({reason}); export it again") from None
        self._refuse_other_shape(path, session)
        return session

    def _refuse_other_shape(self, path: Path, session: onnxruntime.InferenceSession) -> None:
        """The network must take and give what model.yaml says."""
        V, K = len(self.spec.views), len(self.spec.outcomes)
        size = [self.spec.preprocessing.height, self.spec.preprocessing.width]
        expected = [
            {"views": [V, 1, *size], "view_present": [V], "preop_logmar": []},
            {"postop_logmar": [], "scale_logmar": [], "recovery_logit": [K]},
        ]
        found = [
            {node.name: list(node.shape[1:]) for node in nodes}
            for nodes in (session.get_inputs(), session.get_outputs())
        ]
        if found != expected:
            raise InputError(
                f"{path}: the network does not fit {SPEC_FILE} (it has {found}, expected "
                f"{expected}); export it again"
            )

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
    ) -> Raw:
        """Run the network over E eyes.

        Args:
            pixels: (E, V, H, W) preprocessed grey.
            present: (E, V).
            preop_logmar: (E,), NaN = unknown.
        """
        parts = []
        for start in range(0, len(preop_logmar), BATCH):
            piece = slice(start, start + BATCH)
            feeds = {
                "views": pixels[piece][:, :, None],
                "view_present": present[piece],
                "preop_logmar": preop_logmar[piece].astype(np.float32),
            }
            parts.append(self._session.run(None, feeds))
        K = len(self.spec.outcomes)
        if not parts:
            return Raw(np.zeros(0), np.zeros(0), np.zeros((0, K)))
        postop, scale, logit = (
            np.concatenate([part[i] for part in parts]).astype(np.float64) for i in range(3)
        )
        p = 1 / (1 + np.exp(-logit))
        undecidable = [outcome.needs_preop for outcome in self.spec.outcomes]
        p[np.isnan(preop_logmar)[:, None] & np.array(undecidable)[None, :]] = np.nan
        return Raw(postop, scale, p)


class Predictor:
    """All members of a run, or a single model.

    Args:
        members: At least one, all with the same views, preprocessing and outcomes.

    Raises:
        InputError: If they do not fit together.
    """

    def __init__(self, members: list[Member]) -> None:
        first = members[0].spec
        for member in members[1:]:
            other = member.spec
            if (other.views, other.preprocessing, other.outcomes) != (
                first.views, first.preprocessing, first.outcomes,
            ):  # fmt: skip
                raise InputError(
                    f"{member.folder} differs from {members[0].folder} in views, preprocessing or "
                    f"outcomes; they are no ensemble"
                )
        self.members = members
        self.spec = first
        self.level = members[0].calibration.level

    @classmethod
    def load(cls, path: Path | str) -> "Predictor":
        """Load a model folder, or every fold of a run folder.

        Raises:
            InputError: If there is no model.
        """
        return cls([Member(folder) for folder in model_folders(path)])

    def predict(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
    ) -> Estimate:
        """Mean location, mean calibrated half width and mean probability over the members.

        Args:
            pixels: (E, V, H, W) preprocessed grey, views in the order of `spec.views`.
            present: (E, V).
            preop_logmar: (E,), NaN = unknown.
        """
        raws = [member(pixels, present, preop_logmar) for member in self.members]
        postop = np.mean([raw.postop_logmar for raw in raws], axis=0)
        half = np.mean(
            [
                member.calibration.factor * raw.scale_logmar
                for member, raw in zip(self.members, raws, strict=True)
            ],
            axis=0,
        )
        p = np.mean([raw.p_recovery for raw in raws], axis=0)
        return Estimate(postop, postop - half, postop + half, p)

    def knows_patient(self, patient_id: str) -> bool:
        """Whether this patient took part in the training of any member."""
        return any(member.provenance.knows_patient(patient_id) for member in self.members)

    def knows_scan(self, pixels: NDArray[np.uint8]) -> bool:
        """Whether this preprocessed scan took part in the training of any member."""
        return any(member.provenance.knows_scan(pixels) for member in self.members)

    @cached_property
    def baselines(self) -> list[Baselines]:
        """The trivial models fitted on each member's eyes."""
        return [read_baselines(member.folder) for member in self.members]

    @property
    def covariates(self) -> dict[str, tuple[str, ...]]:
        """Covariates that the baselines use, with their levels; the network itself has none."""
        return {
            feature.column: feature.levels
            for baselines in self.baselines
            if baselines.covariates is not None
            for feature in baselines.covariates.features
            if feature.column != "preop_logmar"
        }

    def predict_baselines(self, table: pd.DataFrame) -> pd.DataFrame:
        """What the members' baselines say of the same eyes, averaged as the members are."""
        return average_baselines(self.baselines, table)


def model_folders(path: Path | str) -> list[Path]:
    """The model folders below a run, or the one that `path` is.

    Raises:
        InputError: If there is none.
    """
    path = Path(path)
    if (path / SPEC_FILE).is_file():
        return [path]
    folders = sorted(
        # Only what training writes: a copy kept beside a fold must not vote twice.
        (
            file.parent
            for file in path.glob("fold_*/model/" + SPEC_FILE)
            if re.fullmatch(r"fold_[1-9]\d*", file.parent.parent.name)
        ),
        key=lambda folder: int(folder.parent.name.split("_")[1]),
    )
    if not folders:
        raise InputError(
            f"{path}: no model here; give a run folder (runs/<name>) or a model folder "
            f"(with {SPEC_FILE})"
        )
    return folders
