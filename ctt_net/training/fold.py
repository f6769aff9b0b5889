"""Train one fold and leave its model folder."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytorch_lightning as pl

from ctt_net.baselines.clinical import Baselines, write_baselines
from ctt_net.cohort import Covariate
from ctt_net.data.covariates import covariate_levels, covariate_ranges
from ctt_net.data.module import EyeDataModule
from ctt_net.io.clock import utc_now
from ctt_net.launch import Command
from ctt_net.model_folder.digests import seal
from ctt_net.model_folder.member import ONNX_FILE
from ctt_net.model_folder.provenance import (
    Provenance,
    fingerprints,
    new_salt,
    origins_of,
    patient_fingerprints,
)
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.training.architecture import describe
from ctt_net.training.calibrate import calibrate_fold
from ctt_net.training.config import TrainingConfig
from ctt_net.training.export import export_onnx, export_weights
from ctt_net.training.fit import checkpoints, end_trackers, fit, resumable
from ctt_net.training.module import MONITOR, AcuityModule
from ctt_net.training.run_folder import CONFIG_FILE, JOB_LOG
from ctt_net.training.run_log import is_first_process
from ctt_net.training.start_from import Start, start_from

# Graphs that this process wrote, by architecture: each that is traced takes seconds and leaves some
# MB of memory behind.
_traced: dict[str, Path] = {}


def fold_folder(run: Path, fold: int) -> Path:
    """Folder of one fold of a run."""
    return run / f"fold_{fold}"


def model_folder(run: Path, fold: int) -> Path:
    """Model folder of one fold of a run."""
    return fold_folder(run, fold) / "model"


@dataclass(frozen=True)
class FoldJob:
    """The training of one fold, as a job of its own.

    Args:
        run: Run folder, with its configuration.
        fold: From 1.
    """

    run: Path
    fold: int
    parts: int = 1

    @property
    def title(self) -> str:
        """For messages."""
        return f"fold {self.fold}"

    @property
    def command(self) -> Command:
        """Without the report, so that several can work in one run folder."""
        run = self.run.resolve()
        keys = ["--config", str(run / CONFIG_FILE), "--out", str(run), "--folds", str(self.fold)]
        arguments = ("-m", "ctt_net.cli", "train", *keys, "--resume", "true", "--report", "false")
        return Command(arguments, fold_folder(run, self.fold) / JOB_LOG)

    def parts_done(self) -> int:
        """One where it is finished."""
        return int(self.finished())

    def finished(self) -> bool:
        """Whether its model is there."""
        return model_folder(self.run, self.fold).is_dir()


def train_fold(config: TrainingConfig, run: Path, fold: int, shared: EyeDataModule) -> None:
    """Fit, take the checkpoint that did best on the validation split, and export it.

    Args:
        config: The run's configuration.
        run: Run folder.
        fold: From 1.
        shared: Data module of the run, whose scans are decoded already.
    """
    folder = fold_folder(run, fold)
    checkpoint = resumable(folder) if config.config.resume else None
    best, last = checkpoints(folder, MONITOR)
    module, data, trainer = config.build(fold, folder, [best, last])
    data.share(shared)
    start = start_from(module.start_from, module.network, data)
    fit(trainer, module, data, best, checkpoint)
    if is_first_process():
        _export(config, run, fold, module, data, trainer, start)
    end_trackers(trainer)


def _export(
    config: TrainingConfig,
    run: Path,
    fold: int,
    module: AcuityModule,
    data: EyeDataModule,
    trainer: pl.Trainer,
    start: Start | None,
) -> None:
    """Write the model folder beside its place, then move it there: it is whole or absent."""
    place = model_folder(run, fold)
    folder = place.with_name(".model")
    shutil.rmtree(folder, ignore_errors=True)
    fitted = pd.concat([data.part("train"), data.part("val")])
    covariates = {} if module.network.covariates is None else data.covariates
    spec = _spec(config, run, data, fitted, covariates)
    spec.write(folder)
    for backbone in module.network.backbone:
        backbone.merge_adapters()
    export_weights(module.network, folder)
    size = (spec.preprocessing.height, spec.preprocessing.width)
    form = str((spec.architecture, size))
    traced = (*sorted(run.glob(f"fold_*/model/{ONNX_FILE}")), _traced.get(form, Path()))
    like = next((path for path in traced if path.is_file()), None)
    export_onnx(module.network, folder, *size, like=like)
    write_baselines(Baselines.fit(fitted, data.cohort.spec), folder)
    _provenance(config, fold, data, fitted, trainer, start).write(folder)
    calibrate_fold(folder, data, module.clinical_start)
    seal(folder)
    folder.rename(place)
    _traced[form] = place / ONNX_FILE


def _spec(
    config: TrainingConfig,
    run: Path,
    data: EyeDataModule,
    fitted: pd.DataFrame,
    covariates: Mapping[str, Covariate],
) -> ModelSpec:
    cohort = data.cohort
    origin = config.config_init.model.network.backbone[0].origin
    levels = covariate_levels(covariates)
    return ModelSpec(
        name=run.name,
        architecture=describe(config.config.model, data.num_views, levels),
        views=cohort.spec.views,
        covariates=dict(covariates),
        covariate_ranges=covariate_ranges(fitted, covariates),
        preop_range_logmar=_preop_range(fitted),
        devices=cohort.spec.devices
        if any(one.measured_in for one in cohort.spec.covariates.values())
        else {},
        preprocessing=data.preprocessing,
        outcomes=tuple(config.config_init.model.outcomes),
        off_chart_policy=cohort.spec.acuity.off_chart_policy,
        followup_days=_followup(fitted),
        cohort=cohort.spec.name,
        synthetic=cohort.spec.synthetic,
        weights=None if origin is None else origin.to_dict(),
    )


def _preop_range(fitted: pd.DataFrame) -> tuple[float, float] | None:
    measured = fitted[fitted["preop_off_chart"] == ""]
    name = "preop_logmar"
    return covariate_ranges(measured, {name: Covariate(kind="numeric")}).get(name)


def _followup(fitted: pd.DataFrame) -> tuple[float, float, float] | None:
    if "followup_days" not in fitted or not fitted["followup_days"].notna().any():
        return None
    low, middle, high = np.nanpercentile(fitted["followup_days"], [10, 50, 90])
    return float(low), float(middle), float(high)


def _provenance(
    config: TrainingConfig,
    fold: int,
    data: EyeDataModule,
    fitted: pd.DataFrame,
    trainer: pl.Trainer,
    start: Start | None,
) -> Provenance:
    before = None if start is None else start.source.provenance
    # Patients of the source are patients of this model; one salt, or none would be recognised.
    salt = new_salt() if before is None else before.salt
    rows, kept = data.positions(fitted), data.scans
    # One by one: a cohort may be larger than memory.
    scans = (scan.tobytes() for row in rows for scan in kept.pixels[row][kept.present[row]])
    return Provenance(
        seed=config.seed,
        fold=fold,
        n_train=len(data.part("train")),
        n_val=len(data.part("val")),
        salt=salt,
        patients=patient_fingerprints(fitted["patient_id"].astype(str), salt),
        scans=fingerprints(scans, salt),
        trained_on=f"{trainer.strategy.root_device.type}, precision {trainer.precision}",
        started_from=None if start is None else start.source.facts(),
        origins=origins_of(fitted, salt),
        trained=utc_now(),
    ).after(before)
