"""What the README promises without extras, all but training, in an empty environment."""

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement
from PIL import Image

pytestmark = pytest.mark.slow

# Their packages come with an extra, which the command line names.
NEED_AN_EXTRA = (
    "ctt_net.training", "ctt_net.models", "ctt_net.losses", "ctt_net.export.monai_bundle.network",
    "ctt_net.export.monai_bundle.run", "ctt_net.export.monai_bundle.write",
    "ctt_net.data.augmentation", "ctt_net.data.dataset", "ctt_net.data.module", "ctt_net.serve.",
)  # fmt: skip

IMPORT_ALL = """
import importlib, json, pkgutil, ctt_net
failed = {}
for module in pkgutil.walk_packages(ctt_net.__path__, "ctt_net."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            failed[module.name] = repr(error)
print(json.dumps({"failed": failed, "from": ctt_net.__path__[0]}))
"""


def required(needs: list[str], found: dict | None = None) -> dict[str, Distribution]:
    """What is needed without extras, and what that needs, as pip would find it."""
    found = {} if found is None else found
    for need in map(Requirement, needs):
        wanted = need.marker is None or need.marker.evaluate({"extra": ""})
        if wanted and need.name not in found:
            found[need.name] = distribution(need.name)
            required(found[need.name].requires or [], found)
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory, repository):
    """Run a program of an environment that holds nothing but the base installation.

    ctt-net comes from its wheel. What it requires is linked from the environment of the tests,
    where pip has put it: to unpack it all once more takes a minute.
    """
    folder = tmp_path_factory.mktemp("base")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    venv.create(folder / "venv")
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def run(program, *arguments):
        command = [str(programs / program), *map(str, arguments)]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    def pip(*arguments):
        command = [sys.executable, "-m", "pip", "--python", programs / "python", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    source = folder / "source"  # setuptools leaves a build folder where it builds
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(repository / name, source)
    for name in ("ctt_net", "configs"):
        shutil.copytree(
            repository / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    # As docs/start/installation.md says for a machine without a network.
    made = pip("wheel", "-q", "--no-deps", "--wheel-dir", "wheels", source)
    if made.returncode and "setuptools" in made.stderr:
        pytest.skip(f"no package index can be reached: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr[-2000:]
    offline = ("--no-index", "--find-links", "wheels", "ctt-net")
    done = pip("install", "-q", "--no-compile", "--no-deps", *offline)
    assert done.returncode == 0, done.stderr[-2000:]
    (place,) = (folder / "venv").rglob("site-packages")
    (metadata,) = place.glob("ctt_net-*.dist-info")
    for package in required(PathDistribution(metadata).requires).values():
        for name in {file.parts[0] for file in package.files} - {"..", "__pycache__"}:
            if not (place / name).exists():
                (place / name).symlink_to(package.locate_file(name))
    return run


@pytest.mark.slow
def test_every_module_is_there_and_needs_nothing_but_the_base(base, repository, tmp_path):
    done = base("python", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert not told["from"].startswith(str(repository))
    failed = {
        name: why
        for name, why in told["failed"].items()
        if not name.startswith(NEED_AN_EXTRA) or "No module named 'ctt_net" in why
    }
    assert failed == {}
    assert "ctt_net.training.run" in told["failed"]  # or this environment is not that of the base
    ours = repository / "ctt_net"
    lacking = [
        path.relative_to(ours).as_posix()
        for path in ours.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not (Path(told["from"]) / path.relative_to(ours)).exists()
    ]
    assert lacking == []


def test_configs_are_in_the_wheel_and_found_by_name(base, repository):
    code = "from ctt_net.training.config_keys import config_file as f; print(f('ablations/mean'))"
    done = base("python", "-c", code)
    assert done.returncode == 0, done.stderr[-2000:]
    found = Path(done.stdout.strip())
    assert found.parent.parent.parent.name == "ctt_net"
    assert not found.is_relative_to(repository)
    assert found.read_text() == (repository / "configs/ablations/mean.yaml").read_text()


def test_a_cohort_is_simulated(base, tmp_path):
    done = base("ctt-net", "simulate", tmp_path / "cohort", "--eyes", "3", "--workers", "1")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "cohort/manifest.csv").is_file()


def test_a_cohort_is_checked_evaluated_and_a_patient_predicted(
    base, small_run, small_cohort, other_cohort, tmp_path
):
    row = pd.read_csv(other_cohort / "manifest.csv", dtype=str).iloc[0]
    patient = tmp_path / "patient_1"
    patient.mkdir()
    with Image.open(other_cohort / row["horizontal"]) as scan:  # as a Cirrus exports it
        scan.save(patient / f"{row['laterality']}_horizontal.tif", compression="tiff_lzw")
    acuity = f"{row['laterality']}=20/60"
    for command, result in (
        (["check", small_cohort, "--tables-only", "--out"], "check.html"),
        (["evaluate", small_run, other_cohort, "--out"], "report.html"),
        (["predict", patient, "--model", small_run, "--preop-va", acuity, "--out"], "report.html"),
    ):
        out = tmp_path / command[0]
        done = base("ctt-net", *command, out)
        assert done.returncode == 0, done.stderr[-2000:]
        assert (out / result).is_file()


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["train"], "train"),
        (["bundle", "run", "out"], "train,bundle"),
        (["convert", "a.dcm", "o"], "formats"),
    ],
)
def test_what_needs_an_extra_says_which(base, small_run, tmp_path, command, extra):
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM" + bytes(8))
    places = {"a.dcm": tmp_path / "a.dcm", "run": small_run, "out": tmp_path / "out"}
    done = base("ctt-net", *(places.get(word, word) for word in command))
    assert done.returncode == 2
    assert extra in done.stderr
    assert "Traceback" not in done.stderr
