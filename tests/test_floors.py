"""The house: imports go down only, and what needs no training stack does not load one."""

import ast
import os
import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

HEAVY = ("torch", "torchvision", "timm", "pytorch_lightning", "albumentations", "monai", "wandb")
LIGHT = (
    "ctt_net.cli",
    "ctt_net.doctor",
    "ctt_net.audit",
    "ctt_net.study",
    "ctt_net.cohort",
    "ctt_net.imaging",
    "ctt_net.phantom",
    "ctt_net.evaluation",
    "ctt_net.data.scans",
    "ctt_net.model_folder",
    "ctt_net.inference.predict",
    "ctt_net.inference.cohort",
)


def test_imports_keep_to_the_contracts(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    status = lint_imports(config_filename="pyproject.toml", no_cache=True)
    report = capsys.readouterr().out
    assert status == 0, report
    assert "2 kept, 0 broken" in report


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


def test_the_test_of_heavy_packages_can_fail(repository):
    assert "torch" in loaded_after("sys.modules['torch'] = sys", repository)


def imported_packages(repository):
    """Top-level names that any module of the package imports."""
    for path in sorted((repository / "ctt_net").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module.split(".")[0]


def test_trap_libraries_with_known_wrong_results_are_not_used(repository):
    """Their RMSE, Grad-CAM++, multi-frame and vendor readers fail at the versions of today."""
    found = [(path, name) for path, name in imported_packages(repository)]
    assert len(found) > 100
    wrong = [(path, name) for path, name in found if name in ("monai", "oct_converter", "pickle")]
    assert wrong == []


def test_trap_tests_run_on_one_thread_and_ask_no_hub():
    """Two OpenMP threads beside a busy neighbour are slower than one; a hub that hangs, hangs."""
    assert os.environ["OMP_NUM_THREADS"]
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"
