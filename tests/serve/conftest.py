"""A server in this process, and one as users start it."""

import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.pretrained import resolve_model
from ctt_net.serve.app import Settings, create_app
from ctt_net.serve.worker import model_facts
from ctt_net.serve.workers import Workers

MB = 2**20


@pytest.fixture(scope="session")
def model():
    """The model that comes with the package: these tests are about what is around it."""
    return resolve_model("simulated")


@pytest.fixture(scope="session")
def predictor(model):
    return Predictor.load(model)


@pytest.fixture(scope="session")
def facts(predictor):
    return model_facts(predictor)


@pytest.fixture(scope="session")
def temporary(tmp_path_factory):
    """Where private folders are made, so that a test sees what stays there."""
    place = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(place))
        patch.setattr(tempfile, "tempdir", str(place))
        yield place


@pytest.fixture(scope="session")
def workers(model):
    return Workers(str(model), 1, waiting=2)


@pytest.fixture(scope="session")
def client(facts, workers, temporary):
    """Talks to the application without a network; the worker process is real."""
    app = create_app(facts, workers, Settings(upload_bytes=8 * MB))
    with TestClient(app, base_url="http://localhost") as talking:
        yield talking


@pytest.fixture(scope="session")
def one_eye(other_cohort):
    """Scans of an eye by view, as bytes, and its row of the manifest."""
    from ctt_net.cohort import read_cohort

    cohort = read_cohort(other_cohort)
    rows = cohort.table
    row = rows[(rows["horizontal"] != "") & (rows["vertical"] != "")].iloc[0]
    scans = {view: (cohort.root / row[view]).read_bytes() for view in ("horizontal", "vertical")}
    return row, scans


@pytest.fixture(scope="session")
def form_of(one_eye):
    """Files and fields of a right request."""
    row, scans = one_eye
    eye = row["laterality"]
    files = [("files", (f"{eye}_{view}.png", data)) for view, data in scans.items()]
    return files, {f"preop_va.{eye}": row["preop_va"], "notation": "decimal"}


@contextmanager
def running(model, *options, env=()):
    """`ctt-net serve` as a process; gives its address and its log."""
    command = [sys.executable, "-m", "ctt_net.cli", "serve", str(model), "--port", "0", *options]
    process = subprocess.Popen(
        [*command, "--workers", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **dict(env)},
    )
    log = []
    reader = threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)
    reader.start()
    try:
        line = process.stdout.readline()
        assert re.match(r"http://\S+/", line), (line, log)
        yield line.strip(), log
    finally:
        process.terminate()
        process.wait(timeout=20)
        reader.join(timeout=5)


@pytest.fixture(scope="session")
def live(model, tmp_path_factory):
    """A server on this machine: (address, log, its folder for temporary files)."""
    place = tmp_path_factory.mktemp("live")
    with running(model, "--max-upload-mb", "8", env={"TMPDIR": str(place)}) as (address, log):
        yield address, log, place
