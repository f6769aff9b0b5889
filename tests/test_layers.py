"""The house: imports go down only, and what needs no training stack does not load one."""

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "torchvision", "timm", "pytorch_lightning", "albumentations", "monai", "wandb")
LIGHT = (
    "ctt_net.cli",
    "ctt_net.check",
    "ctt_net.audit",
    "ctt_net.planning",
    "ctt_net.cohort",
    "ctt_net.imaging",
    "ctt_net.synthetic",
    "ctt_net.report.results",
    "ctt_net.data.scans",
    "ctt_net.model_folder",
    "ctt_net.inference.predict",
    "ctt_net.inference.evaluate",
    "ctt_net.serve.run",
)


def test_imports_keep_to_the_contracts(repository):
    # In a process of its own: the linter configures logging for the whole process it runs in.
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def loaded_after(code, repository, prints="", cwd=None):
    """Heavy packages in `sys.modules` of a fresh interpreter that ran `code`."""
    code = f"{code}\nprint('LOADED', *({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + code],
        cwd=cwd or repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert prints in done.stdout
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.slow
def test_what_needs_no_training_stack_loads_none_and_leaves_nothing_behind(repository, tmp_path):
    code = "\n".join(
        f"import {module}\nassert not {set(HEAVY)!r} & set(sys.modules), {module!r}"
        for module in LIGHT
    )
    assert loaded_after(code, repository, cwd=tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["predict", "--help"]])
def test_help_loads_no_training_stack(repository, arguments):
    code = (
        "import runpy\n"
        f"sys.argv = ['ctt-net', *{arguments!r}]\n"
        "try: runpy.run_module('ctt_net.cli')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
    )
    assert loaded_after(code, repository, prints="usage: ctt-net") == []


def test_a_prediction_starts_without_what_only_evaluations_fit_and_draw_with(repository):
    code = (
        "from ctt_net.inference.predict import predict_patient\n"
        "slow = {'scipy', 'sklearn', 'matplotlib', 'openpyxl', 'rich'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    assert loaded_after(code, repository) == []


def test_the_test_of_heavy_packages_can_fail(repository):
    assert "torch" in loaded_after("sys.modules['torch'] = sys", repository)


def imported_modules(repository):
    """Names of the modules that any module of the package imports."""
    for path in sorted((repository / "ctt_net").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def test_trap_libraries_with_known_wrong_results_are_not_used(repository):
    """Their RMSE, Grad-CAM++, multi-frame and vendor readers fail at the versions of today."""
    found = [(path, name) for path, name in imported_modules(repository)]
    assert len(found) > 100
    assert not [one for one in found if one[1].split(".")[0] in ("oct_converter", "pickle")]
    # Of MONAI only what segments and its loss: its metrics and explanations are among those.
    of_monai = {name for _, name in found if name.split(".")[0] == "monai"}
    assert of_monai == {"monai.networks.nets", "monai.losses"}


def test_trap_tests_run_on_one_thread():
    """Two OpenMP threads beside a busy neighbour are slower than one."""
    import torch

    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com"])
def test_no_test_reaches_the_network(host):
    with pytest.raises(RuntimeError, match=f"asked the network for '{host}'"):
        socket.create_connection((host, 80), timeout=1)
