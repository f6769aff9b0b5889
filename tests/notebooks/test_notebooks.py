"""The notebooks run from first cell to last, and are committed as nobody ran them."""

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from ctt_net import INTENDED_USE
from ctt_net.training.config import TrainingConfig

NOTEBOOKS = ("look_at_a_cohort.ipynb", "read_a_run.ipynb")


@pytest.fixture(params=NOTEBOOKS)
def notebook(request, repository):
    """Each notebook as it stands in the repository."""
    return nbformat.read(repository / "notebooks" / request.param, as_version=4)


def said_by(notebook):
    """All that the cells printed or showed as text."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            texts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
    return "\n".join(texts)


def run_through(repository, name, tmp_path):
    """Run a notebook in an empty folder; what its cells said."""
    notebook = nbformat.read(repository / "notebooks" / name, as_version=4)
    place = tmp_path / "here"
    place.mkdir()
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(place)}}).execute()
    assert list(place.iterdir()) == []
    return said_by(notebook)


def test_there_are_no_others(repository):
    assert {path.name for path in (repository / "notebooks").iterdir()} == set(NOTEBOOKS)


def test_no_output_is_committed_and_nothing_but_python_is_asked_for(notebook):
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            assert not re.search(r"^\s*[!%]", cell.source, re.MULTILINE)
            assert "os.path" not in cell.source


def test_the_intended_use_is_said_first(notebook):
    words = " ".join(notebook.cells[0].source.replace("\n> ", " ").split())
    assert INTENDED_USE in words


@pytest.mark.slow
def test_a_cohort_is_looked_at(repository, small_cohort, tmp_path, monkeypatch):
    before = sorted(path.name for path in small_cohort.rglob("*"))
    monkeypatch.setenv("CTT_NET_COHORT", str(small_cohort))
    said = run_through(repository, "look_at_a_cohort.ipynb", tmp_path)
    assert "60 eyes of" in said
    assert "0 patients are torn between folds" in said
    assert "0 errors" in said
    assert sorted(path.name for path in small_cohort.rglob("*")) == before


def test_a_run_is_read(repository, small_run, other_cohort, tmp_path, monkeypatch):
    run = shutil.copytree(small_run, tmp_path / "runs/run")
    shutil.rmtree(run / "openings", ignore_errors=True)
    monkeypatch.setenv("CTT_NET_RUN", str(run))
    monkeypatch.setenv("CTT_NET_HELD_OUT", str(other_cohort))
    said = run_through(repository, "read_a_run.ipynb", tmp_path)
    assert "Preop VA only" in said
    assert "looks at these eyes: 1, by other models: 0" in said
    assert len(list((run / "openings").iterdir())) == 1


def test_the_run_that_it_makes_where_there_is_none_can_be_made(
    repository, small_cohort, other_cohort, small_run, monkeypatch
):
    made = {}

    def simulate(out, plan):
        shutil.copytree({60: small_cohort, 20: other_cohort}[plan.n_eyes], out)

    def train(arguments):
        made["arguments"] = arguments
        (out,) = (word.removeprefix("--out=") for word in arguments if word.startswith("--out="))
        shutil.copytree(small_run, out)

    monkeypatch.setattr("ctt_net.synthetic.simulate_cohort", simulate)
    monkeypatch.setattr("ctt_net.training.run.train", train)
    for name in ("CTT_NET_RUN", "CTT_NET_HELD_OUT"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(repository / "notebooks/read_a_run.ipynb", as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    names: dict = {}
    exec(first, names)
    assert names["metrics"]["n_eyes"] == 24
    config = TrainingConfig(made["arguments"])
    module, data, _ = config.build(1, names["run"])
    assert sum(one.numel() for one in module.network.parameters()) < 50_000
    assert len(data.folds) == 60
