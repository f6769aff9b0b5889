"""`import ctt_net` is light, and offers every name that editors see."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ctt_net


def run_python(code, folder, repository):
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"], cwd=folder, capture_output=True, text=True,
        check=False, env={"PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_loads_nothing_heavy(repository, tmp_path):
    code = "import ctt_net\nprint(*({'torch', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)))"
    assert run_python(code, tmp_path, repository).split() == []


def test_every_name_is_there_for_editors_too():
    tree = ast.parse(Path(ctt_net.__file__).read_text(encoding="utf-8"))
    for_editors = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        for alias in node.names
    }
    assert for_editors == ctt_net._NAMES
    assert set(ctt_net.__all__) == {*for_editors, "__version__", "INTENDED_USE"}
    for name in ctt_net.__all__:
        assert getattr(ctt_net, name).__doc__, name
    assert set(ctt_net.__all__) <= set(dir(ctt_net))
    assert (Path(ctt_net.__file__).parent / "py.typed").is_file()


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'load_cohrt'"):
        ctt_net.load_cohrt  # noqa: B018


def test_what_is_wrong_is_refused_without_torch(repository, tmp_path):
    code = """
import ctt_net
from ctt_net.errors import InputError
for wrong, words in (
    (lambda: ctt_net.load_cohort("no"), "no such folder"),
    (lambda: ctt_net.load_model("no"), "no model here"),
    (lambda: ctt_net.evaluate("no", "no"), "no model here"),
    (lambda: ctt_net.Run("no"), "no such file"),
    (lambda: ctt_net.train("no"), "no such folder"),
    (lambda: ctt_net.train("no", "ctt_nett"), "did you mean ctt_net"),
    (lambda: ctt_net.train("no", trainer={"max_epoch": 3}), "trainer.max_epochs"),
    (lambda: ctt_net.create_model("ctt_nett"), "did you mean ctt_net"),
    (lambda: ctt_net.create_model(fuson="MeanFusion"), "model.fusion"),
):
    try:
        wrong()
    except InputError as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"not refused: {words}")
assert "torch" not in sys.modules
"""
    run_python(code, tmp_path, repository)
    assert list(tmp_path.iterdir()) == []
