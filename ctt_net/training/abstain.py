"""When a fold is finished: fix beyond which limits its model should not be believed."""

from pathlib import Path

import numpy as np
import pandas as pd

from ctt_net.data.covariates import covariate_values
from ctt_net.data.module import EyeDataModule
from ctt_net.model_folder.member import Member
from ctt_net.uncertainty.abstention_limits import Abstention
from ctt_net.uncertainty.reference_embeddings import Cloud
from ctt_net.uncertainty.scan_features import features_of

# More eyes change a mean and a covariance no more, and have to be run through the network.
MOST_EYES = 2000


def write_abstention(folder: Path, data: EyeDataModule) -> None:
    """Write `abstention.json` and `training_cloud.safetensors`.

    Args:
        folder: Model folder of the fold that `data` is set to; needs no calibration.
        data: Of the run.
    """
    member = Member(folder)
    train, selection = data.part("train"), data.part("selection")
    some = train.sample(MOST_EYES, random_state=data.seed) if len(train) > MOST_EYES else train
    trained, _, _ = _points(member, some, data)
    points, scale, postop = _points(member, selection, data)
    clouds = {name: Cloud.fit(_finite(one)) for name, one in trained.items() if _enough(one)}
    seen = {}
    if member.spec.architecture.get("use_preop_va", True):
        seen = {
            "no_preop_va": int(train["preop_logmar"].isna().sum()),
            "off_chart_preop": int((train["preop_off_chart"] != "").sum()),
        }
    Abstention.measure(
        scale_logmar=scale,
        error_logmar=postop - selection["postop_logmar"].to_numpy(float),
        points=points,
        clouds=clouds,
        training_eyes=len(train),
        seen=seen,
    ).write(folder)


def _points(
    member: Member, table: pd.DataFrame, data: EyeDataModule
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Where some eyes lie in each cloud; their scales and predictions."""
    scans = data.scans_of(table)
    covariates = covariate_values(table, member.spec.covariates)
    preop = table["preop_logmar"].to_numpy(float)
    raw = member(scans.pixels, scans.present, preop, covariates)
    points = {"scan": features_of(scans.pixels, scans.present)}
    if raw.embedding is not None:
        points["embedding"] = raw.embedding
    return points, raw.scale_logmar, raw.postop_logmar


def _finite(points: np.ndarray) -> np.ndarray:
    flat = points.reshape(-1, points.shape[-1])
    return flat[np.isfinite(flat).all(axis=1)]


def _enough(points: np.ndarray) -> bool:
    return len(_finite(points)) > 1
