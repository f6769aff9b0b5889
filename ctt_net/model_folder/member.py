"""One model folder in use; no torch.

The network runs as `model.onnx`, written from the same weights as `model.safetensors`, so that a
hospital that only evaluates or predicts installs no training stack. Where the folder holds a
`clinical_start.json`, the prediction is the clinical one, moved towards the network's.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import pandas as pd
from numpy.typing import NDArray

from ctt_net.baselines.clinical_start import ClinicalStart
from ctt_net.data.covariates import covariate_table, covariate_values
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError
from ctt_net.io.onnx_file import open_onnx
from ctt_net.model_folder.digests import verify
from ctt_net.model_folder.spec import SPEC_FILE, ModelSpec
from ctt_net.types import ModelOutput
from ctt_net.uncertainty.abstention_limits import Abstention
from ctt_net.uncertainty.calibration import Calibration
from ctt_net.uncertainty.similar_eyes import SimilarEyes

ONNX_FILE = "model.onnx"

# Of a network, in their order; a model folder of an older version lacks the last one.
OUTPUTS = ("postop_logmar", "scale_logmar", "recovery_logit", "embedding")

# Eyes per call: enough to keep the cores busy, little enough for any memory.
BATCH = 32


class Session(Protocol):
    """What runs a network: onnxruntime, or whatever takes and gives arrays as it does."""

    def run(self, outputs: None, feeds: dict[str, Any], /) -> list[Any]:
        """Inputs by name to the outputs in their order, eyes first."""
        ...


class Member:
    """One model folder, loaded.

    Args:
        folder: Holds model.yaml, model.onnx, provenance.json and, once it was calibrated,
            calibration.json.
        session: Runs in place of model.onnx, which may be missing then.
        threads: Of one run of model.onnx; 0 = as many as there are cores.
        wait: For model.onnx to be open; else it opens in the background, as `opened` waits for.

    Raises:
        InputError: If something is missing, damaged, or not what this folder was made with.
    """

    def __init__(
        self, folder: Path, session: Session | None = None, threads: int = 0, *, wait: bool = True
    ) -> None:
        self.folder = folder
        self.provenance = verify(folder)
        self.spec = ModelSpec.read(folder)
        pool = ThreadPoolExecutor(1)
        self._session: Future[Session] = pool.submit(
            lambda: session or self._open(folder / ONNX_FILE, threads)
        )
        pool.shutdown(wait=wait)
        if wait:
            self.opened()
        self._last_clinical: tuple[tuple[bytes, bytes], NDArray[np.float64]] | None = None

    def opened(self) -> Session:
        """What runs the network, once it is open.

        Raises:
            InputError: If model.onnx is missing, damaged, or does not fit model.yaml.
        """
        return self._session.result()

    @cached_property
    def calibration(self) -> Calibration:
        """What turns scale and logits into intervals and probabilities; read at first use."""
        return Calibration.read(self.folder)

    @cached_property
    def abstention(self) -> Abstention | None:
        """Limits beyond which it abstains; None of an older model folder."""
        return Abstention.read(self.folder)

    @cached_property
    def similar_eyes(self) -> SimilarEyes | None:
        """Eyes it was not trained on and how they ended; None of an older model folder."""
        return SimilarEyes.read(self.folder)

    @cached_property
    def clinical_start(self) -> ClinicalStart | None:
        """What its predictions start from; None where they are the network's own."""
        return ClinicalStart.read(self.folder)

    @property
    def image_weight(self) -> float:
        """How far the network moves the prediction from the clinical one, 0..1."""
        return 1.0 if self.clinical_start is None else self.clinical_start.image_weight

    def starting_from(self, start: ClinicalStart, abstention: Abstention | None) -> "Member":
        """The same network with another clinical start, and limits that suit it."""
        twin = copy(self)
        vars(twin).update(clinical_start=start, abstention=abstention)
        return twin

    def _open(self, path: Path, threads: int) -> onnxruntime.InferenceSession:
        session = open_onnx(path, "export it again", threads)
        self._check_same_shape(path, session)
        return session

    def _check_same_shape(self, path: Path, session: onnxruntime.InferenceSession) -> None:
        """The network must take and give what model.yaml says."""
        V, K = len(self.spec.views), len(self.spec.outcomes)
        size = [self.spec.preprocessing.height, self.spec.preprocessing.width]
        F = len(self.spec.covariates)
        covariates = {"covariates": [F]} if F else {}
        expected = [
            {"views": [V, 1, *size], "view_present": [V], "preop_logmar": [], **covariates},
            {"postop_logmar": [], "scale_logmar": [], "recovery_logit": [K]},
        ]
        found = [
            {node.name: list(node.shape[1:]) for node in nodes}
            for nodes in (session.get_inputs(), session.get_outputs())
        ]
        # How wide an embedding is, is the network's own affair.
        embedding = found[1].pop(OUTPUTS[-1], [0])
        if found != expected or len(embedding) != 1 or not isinstance(embedding[0], int):
            raise InputError(
                f"{path}: the network does not fit {SPEC_FILE} (it has {found}, expected "
                f"{expected}); export it again"
            )

    def __call__(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
        covariates: NDArray[np.float32] | None = None,
    ) -> ModelOutput:
        """Predict E eyes: the network's output, or the clinical prediction moved towards it.

        Args:
            pixels: (E, V, H, W) preprocessed grey.
            present: (E, V).
            preop_logmar: (E,), NaN = unknown.
            covariates: (E, F) in the order of `spec.covariates`, NaN = unknown; None = all unknown.

        Raises:
            ValueError: If the covariates are of another shape.
        """
        if covariates is None:
            covariates = np.full((len(preop_logmar), len(self.spec.covariates)), np.nan, np.float32)
        output = self.network(pixels, present, preop_logmar, covariates)
        if self.clinical_start is None:
            return output
        clinical = self.clinical_logmar(preop_logmar, covariates)
        return self.clinical_start.blend(output, clinical, preop_logmar, self.spec.outcomes)

    def network(
        self,
        pixels: NDArray[np.uint8],
        present: NDArray[np.bool_],
        preop_logmar: NDArray[np.float64],
        covariates: NDArray[np.float32],
    ) -> ModelOutput:
        """What the network alone predicts; arguments as in `__call__`.

        Raises:
            ValueError: If the covariates are of another shape.
        """
        expected = (len(preop_logmar), len(self.spec.covariates))
        if covariates.shape != expected:
            raise ValueError(f"covariates must be {expected}, got {covariates.shape}")
        parts = []
        for start in range(0, len(preop_logmar), BATCH):
            piece = slice(start, start + BATCH)
            feeds = {
                "views": pixels[piece][:, :, None],
                "view_present": present[piece],
                "preop_logmar": preop_logmar[piece].astype(np.float32),
            }
            if self.spec.covariates:
                feeds["covariates"] = covariates[piece].astype(np.float32)
            parts.append(self.opened().run(None, feeds))
        K = len(self.spec.outcomes)
        if not parts:
            return ModelOutput(np.zeros(0), np.zeros(0), np.zeros((0, K)))
        postop, scale, logit, *further = (
            np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True)
        )
        undecidable = [outcome.needs_preop for outcome in self.spec.outcomes]
        logit[np.isnan(preop_logmar)[:, None] & np.array(undecidable)[None, :]] = np.nan
        return ModelOutput(postop, scale, logit, further[0] if further else None)

    def clinical_logmar(
        self, preop_logmar: NDArray[np.float64], covariates: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """What the clinical start predicts without the images, logMAR: (E,).

        Args:
            preop_logmar: (E,), NaN = unknown.
            covariates: (E, F) in the order of `spec.covariates`, NaN = unknown.

        Raises:
            ValueError: If there is no clinical start.
        """
        if self.clinical_start is None:
            raise ValueError(f"{self.folder} has no clinical start")
        # A prediction asks twice: to start from it, and to show it.
        eyes, last = (preop_logmar.tobytes(), covariates.tobytes()), self._last_clinical
        if last is None or last[0] != eyes:
            table = covariate_table(covariates, self.spec.covariates)
            predicted = self.clinical_start.predict(table.assign(preop_logmar=preop_logmar))
            self._last_clinical = last = eyes, predicted
        return last[1].copy()

    def of_table(self, table: pd.DataFrame, scans: Scans) -> ModelOutput:
        """Predict rows of a cohort.

        Args:
            table: E rows; a covariate that is no column of it is unknown.
            scans: Of the same eyes, views in the order of `spec.views`.
        """
        return self(*self.inputs(table, scans))

    def inputs(
        self, table: pd.DataFrame, scans: Scans
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float32]]:
        """Rows of a cohort as `__call__` and `network` take them; arguments as in `of_table`."""
        covariates = covariate_values(table, self.spec.covariates)
        return scans.pixels, scans.present, table["preop_logmar"].to_numpy(float), covariates
