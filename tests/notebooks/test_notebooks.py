"""The notebooks run from first cell to last, and are committed without outputs."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from ctt_net import INTENDED_USE

NOTEBOOKS = ("explore_a_cohort.ipynb", "train_and_evaluate.ipynb")


@pytest.fixture(params=NOTEBOOKS)
def notebook(request, repository):
    """Each notebook as it stands in the repository."""
    return nbformat.read(repository / "notebooks" / request.param, as_version=4)


def run_through(repository, name, tmp_path):
    """Run a notebook in an empty folder; what its cells said, and how many pictures they show."""
    notebook = nbformat.read(repository / "notebooks" / name, as_version=4)
    place = tmp_path / "here"
    place.mkdir()
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(place)}}).execute()
    assert list(place.iterdir()) == []
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    shown = [one.get("data", {}) for one in outputs]
    texts = [one.get("text", "") for one in outputs] + [one.get("text/html", "") for one in shown]
    return "\n".join(texts), sum("image/png" in one for one in shown)


def test_there_are_no_others(repository):
    assert {path.name for path in (repository / "notebooks").iterdir()} == set(NOTEBOOKS)


def test_no_output_is_committed_and_nothing_but_the_public_names_is_used(notebook):
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert not re.search(r"^\s*[!%]", cell.source, re.MULTILINE)
            assert not re.search(r"(from|import) ctt_net\.|from ctt_net", cell.source)


def test_the_intended_use_is_said_first(notebook):
    words = " ".join(notebook.cells[0].source.replace("\n> ", " ").split())
    assert INTENDED_USE in words


@pytest.mark.slow
def test_a_cohort_is_explored(repository, small_cohort, tmp_path, monkeypatch):
    before = sorted(path.name for path in small_cohort.rglob("*"))
    monkeypatch.setenv("CTT_NET_COHORT", str(small_cohort))
    said, pictures = run_through(repository, "explore_a_cohort.ipynb", tmp_path)
    assert "60 eyes of" in said
    assert "0 patients are in more than one fold" in said
    assert pictures == 2
    assert sorted(path.name for path in small_cohort.rglob("*")) == before


@pytest.mark.slow  # trains two folds of a very small network
def test_a_model_is_trained_and_evaluated(repository, tmp_path, monkeypatch):
    for name in ("CTT_NET_RUN", "CTT_NET_HELD_OUT"):
        monkeypatch.delenv(name, raising=False)
    said, pictures = run_through(repository, "train_and_evaluate.ipynb", tmp_path)
    assert "Preop VA only" in said
    assert "interval.coverage" in said
    assert "evaluation on unseen eyes" in said
    assert pictures == 3
