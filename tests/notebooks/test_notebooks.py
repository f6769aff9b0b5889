"""The notebooks run from first cell to last, and are committed without outputs."""

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

import ctt_net
from ctt_net import INTENDED_USE
from ctt_net.training.config import TrainingConfig
from ctt_net.training.run import FinishedRun

NOTEBOOKS = ("explore_a_cohort.ipynb", "question_one_eye.ipynb", "train_and_evaluate.ipynb")


@pytest.fixture(params=NOTEBOOKS)
def notebook(request, repository):
    """Each notebook as it stands in the repository."""
    return nbformat.read(repository / "notebooks" / request.param, as_version=4)


def run_through(repository, name, tmp_path, monkeypatch):
    """Run a notebook in an empty folder; what its cells said, and how many pictures they show."""
    monkeypatch.delenv("MPLBACKEND")  # the kernel's own shows figures
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
    said, pictures = run_through(repository, "explore_a_cohort.ipynb", tmp_path, monkeypatch)
    assert "60 eyes of" in said
    assert "0 patients are in more than one fold" in said
    assert pictures == 2
    assert sorted(path.name for path in small_cohort.rglob("*")) == before


def test_a_run_is_read_and_evaluated(repository, small_run, other_cohort, tmp_path, monkeypatch):
    run = shutil.copytree(small_run, tmp_path / "runs/run")
    monkeypatch.setenv("CTT_NET_RUN", str(run))
    monkeypatch.setenv("CTT_NET_HELD_OUT", str(other_cohort))
    said, pictures = run_through(repository, "train_and_evaluate.ipynb", tmp_path, monkeypatch)
    assert "Preop VA only" in said
    assert "interval.coverage" in said
    assert "evaluation on unseen eyes" in said
    assert pictures == 3


@pytest.mark.slow
def test_one_eye_is_questioned(repository, tmp_path, monkeypatch):
    for name in ("CTT_NET_MODEL", "CTT_NET_PATIENT"):
        monkeypatch.delenv(name, raising=False)
    said, pictures = run_through(repository, "question_one_eye.ipynb", tmp_path, monkeypatch)
    sums = re.search(r"sum (-?[\d.]+), predicted (-?[\d.]+) logMAR", said)
    assert sums[1] == sums[2]
    assert "preop_va" in said
    assert "abstain True: A scan of this eye is not an upright OCT B-scan" in said
    assert pictures == 1


def test_the_run_that_it_trains_where_there_is_none_can_be_trained(
    repository, small_cohort, other_cohort, small_run, monkeypatch
):
    made = []

    def simulate(out, eyes, seed):
        return ctt_net.load_cohort({60: small_cohort, 20: other_cohort}[eyes])

    def train(arguments):
        made.extend(arguments)
        return FinishedRun(small_run, None)

    monkeypatch.setattr("ctt_net.api.cohort.simulate_cohort", simulate)
    monkeypatch.setattr("ctt_net.training.run.train", train)
    for name in ("CTT_NET_RUN", "CTT_NET_HELD_OUT"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(repository / "notebooks/train_and_evaluate.ipynb", as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    names: dict = {}
    exec(first, names)
    assert names["run"].folder == small_run
    module, data, _ = TrainingConfig(made).build(1, small_run)
    assert sum(one.numel() for one in module.network.parameters()) < 50_000
    assert len(data.folds) == 60
