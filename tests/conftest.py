"""Switches and fixtures that every test shares."""

import gc
import hashlib
import json
import os
import sys
from pathlib import Path

# Before any import of the libraries they silence: no hub, no version check, no tracker, and one
# thread each, since two OpenMP threads beside a busy neighbour are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("MPLBACKEND", "Agg")
# Results hold the time they were made; of two that are compared it must be the same.
os.environ.setdefault("SOURCE_DATE_EPOCH", "1790000000")

import pytest
from filelock import FileLock
from markupsafe import Markup

from tests.simulated_tables import (  # noqa: F401, fixtures
    eyes,
    make_eyes,
    make_predictions,
    outcomes,
    potential,
    predictions,
    spec,
)

# Looked through for cycles less often: the libraries' millions of objects take a tenth of the time.
gc.set_threshold(100_000, 20, 20)

REPOSITORY = Path(__file__).resolve().parent.parent


def check_network(event, arguments):
    """No test asks another machine for anything, whatever a library thinks of it."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        raise RuntimeError(f"a test asked the network for {host!r}")


sys.addaudithook(check_network)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real scans and tables; they may not be redistributed, so most have none."""
    place = os.environ.get("CTT_NET_REAL_DATA", str(REPOSITORY.parent / "shared" / "data"))
    if not Path(place).is_dir():
        pytest.skip("no real samples here; set CTT_NET_REAL_DATA to a folder of them")
    return Path(place)


# Together they take three quarters of the time; `make quick` leaves them out.
SLOW_FILES = {
    *("api/test_cohort.py", "api/test_names.py", "audit/test_planted_faults.py"),
    *(
        "audit/test_written.py",
        "baselines/test_clinical.py",
        "launch/test_slurm.py",
        "launch/test_ray.py",
    ),
    *("check/test_clean_cohorts.py", "check/test_planted_faults.py", "check/test_resuming.py"),
    *("check/test_written.py", "cli/test_check.py", "cli/test_help.py", "cohort/test_formulas.py"),
    *("cohort/test_fuzz.py", "cohort/test_scan_paths.py", "data/test_fewer_eyes.py"),
    *("data/test_module.py", "data/test_scans.py", "datasets/test_aptos2021.py"),
    *("datasets/test_chu_quebec.py", "datasets/test_moorfields_amd.py"),
    *("datasets/test_olives.py", "datasets/test_synthetic.py", "datasets/test_zju_cataract.py"),
    *("deidentify/test_deidentify.py", "deidentify/test_verify.py", "devices/test_contract.py"),
    *("devices/test_sections.py", "devices/test_topcon_zeiss.py", "imaging/test_layouts.py"),
    *("imaging/test_text.py", "io/test_atomic_write.py", "models/test_contract_fusion.py"),
    *("models/test_covariates.py", "models/test_grid.py", "models/test_multi_view_net.py"),
    *("models/test_reference.py", "prepare/test_draft.py", "report/test_comparison.py"),
    *("report/test_evaluation_page.py", "report/test_report_sections.py"),
    *("report/test_rerender.py", "synthetic/test_population.py", "synthetic/test_scan.py"),
    *("tests/test_all_or_nothing.py", "tests/test_data_of_0_1.py", "tests/test_security.py"),
    *("training/test_calibrate.py", "training/test_config.py", "training/test_every_config.py"),
    *("training/test_export.py", "training/test_refusals.py"),
    *(
        "biomarkers/test_macular.py",
        "biomarkers/test_segmenter.py",
        "inference/test_many.py",
        "inference/test_measures.py",
        "measure/test_measure.py",
    ),
    *("model_folder/test_clinical_start.py", "models/test_segmentation_backbone.py"),
    *("prepare/test_measures.py", "synthetic/test_extras.py", "training/test_clinical_start.py"),
    *("training/test_segmentation.py", "baselines/test_clinical_start.py", "check/test_sides.py"),
    *(
        "cohort/test_folder.py",
        "deidentify/test_planted_identity.py",
        "imaging/test_fingerprint.py",
    ),
    *("explain/test_lesions.py", "imaging/test_to_scan.py"),
    *("report/test_words_and_numbers.py", "training/test_pretrain_targets.py"),
    *("serve/test_api.py", "serve/test_guard.py", "serve/test_hostile.py", "serve/test_live.py"),
    *("training/test_start_from.py", "uncertainty/test_abstention.py"),
    *("acuity/test_properties.py", "biomarkers/test_measures.py"),
    *("export/test_hospital_systems.py", "imaging/test_formats.py", "metrics/test_selective.py"),
    *("metrics/test_summary.py", "prepare/test_find_scans.py", "prepare/test_read_table.py"),
    *("prepare/test_visits.py", "training/test_config_keys.py"),
}


def pytest_collection_modifyitems(items):
    """Long files first: one that begins last keeps one process waiting for the other.

    What needs a trained model or reads the real samples is slow, whatever it does with it, and so
    are the files of `SLOW_FILES`.
    """
    items.sort(key=lambda item: not {"training", "test_base_installation.py"} & {*item.path.parts})
    for item in items:
        needs = {"small_run", "traced_once", "real_data"} & set(getattr(item, "fixturenames", ()))
        if needs or "/".join(item.path.parts[-2:]) in SLOW_FILES:
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def figures_by_name():
    """Figures of reports by name only: fifteen take seconds, and every evaluation has them.

    Tests of the figures ask for `drawn`.
    """
    from ctt_net.report import drawing

    def stub(draw, name, description, height, **_):
        return Markup("<svg></svg>"), b""

    before = drawing.svg_and_png
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "svg_and_png", stub)
        yield before


@pytest.fixture
def drawn(figures_by_name, monkeypatch):
    """Figures of reports as users get them."""
    monkeypatch.setattr("ctt_net.report.drawing.svg_and_png", figures_by_name)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory, worker_id):
    """Folder that all test processes share."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "shared"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session", autouse=True)
def scans_kept(shared_folder):
    """Prepare each scan once: many tests read those of the same cohorts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTT_NET_SCAN_CACHE", str(shared_folder / "scan_cache"))
        yield


@pytest.fixture(scope="session", autouse=True)
def segmented_once(shared_folder):
    """Look once for the layers of a macula in each picture: many tests read the same scans."""
    from ctt_net.biomarkers import macular

    found, look = shared_folder / "macular_signs", macular.macular_signs
    found.mkdir(exist_ok=True)

    def once(pixels):
        path = found / hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
        if path.exists():
            return macular.Signs(**json.loads(path.read_text()))
        signs = look(pixels)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(vars(signs)))
        part.replace(path)
        return signs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(macular, "macular_signs", once)
        yield


@pytest.fixture(scope="session")
def made_once(shared_folder):
    """Make a folder that all test processes share, in the first that asks for it."""

    def once(name, make):
        with FileLock(shared_folder / f"{name}.lock"):
            if not (shared_folder / f"{name}.done").exists():
                make(shared_folder / name)
                (shared_folder / f"{name}.done").touch()
        return shared_folder / name

    return once


@pytest.fixture(scope="session")
def small_cohort(made_once) -> Path:
    """Sixty simulated eyes in a cohort folder; read-only for tests."""
    from ctt_net.synthetic import CohortPlan, simulate_cohort

    return made_once(
        "small_cohort", lambda out: simulate_cohort(out, CohortPlan(n_eyes=60, seed=5))
    )


@pytest.fixture(scope="session")
def other_cohort(made_once) -> Path:
    """Twenty simulated eyes of other patients."""
    from ctt_net.synthetic import CohortPlan, simulate_cohort

    return made_once(
        "other_cohort", lambda out: simulate_cohort(out, CohortPlan(n_eyes=20, seed=6))
    )


@pytest.fixture(scope="session")
def tiny_network() -> list[str]:
    """Command-line keys that make the default config small enough for a test."""
    return [
        "--config", str(REPOSITORY / "configs/ctt_net.yaml"),
        "--data.preprocessing.height", "64",
        "--data.preprocessing.width", "96",
        "--model.backbone", "SmallConvBackbone",
        "--model.backbone.init_args.widths", "[4,8,8]",
        "--model.backbone.init_args.columns", "3",
        "--model.fusion.init_args.dim", "16",
        # Tracing takes most of these trainings' time, and as much again for every layer.
        "--model.fusion.init_args.depth", "1",
        "--model.fusion.init_args.exchanges", "1",
        "--model.covariates.init_args.layers", "1",
        # After two epochs no eye supports the network, and no test would see anything of it.
        "--model.clinical_start", "false",
        "--trainer.max_epochs", "2",
        "--trainer.accelerator", "cpu",
        "--trainer.enable_progress_bar", "false",
    ]  # fmt: skip


def _facts(network):
    """All that a trace depends on besides weights; a module's own text leaves options out."""
    return [
        (
            name,
            type(module).__name__,
            sorted(
                (key, value)
                for key, value in vars(module).items()
                if isinstance(value, bool | int | float | str | tuple) and key != "training"
            ),
        )
        for name, module in network.named_modules()
    ]


@pytest.fixture(scope="session")
def traced_once(shared_folder):
    """Trace a network of one build once, as the folds of a run do; what is exported is compared.

    Tracing takes longer than the trainings of these tests; `test_export` does it in earnest.
    """
    from ctt_net.training import export

    trace = export._trace

    def once(plain, example):
        build = f"{_facts(plain)} {[tuple(tensor.shape) for tensor in example]}"
        path = shared_folder / f"{hashlib.sha256(build.encode()).hexdigest()}.onnx"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.write_bytes(trace(plain, example).SerializeToString())
        return export._with_weights(path, plain)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_trace", once)
        yield


@pytest.fixture(scope="session")
def small_run(small_cohort, tiny_network, made_once, traced_once) -> Path:
    """A run of two folds on the small cohort; read-only for tests."""

    def make(out):
        from ctt_net.training.run import train

        keys = ["--data.cohort", str(small_cohort), "--folds", "[1,2]", "--out", str(out)]
        train([*tiny_network, *keys])

    return made_once("small_run", make)
