"""`ctt-net deidentify` as the one who presses the button meets it."""

import shutil

import pandas as pd
import pytest

from ctt_net import INTENDED_USE
from ctt_net.cli import main


@pytest.fixture
def three_eyes(small_cohort, tmp_path):
    root = tmp_path / "clinic"
    root.mkdir()
    table = pd.read_csv(small_cohort / "manifest.csv", dtype=str, keep_default_na=False)[:3]
    table["vertical"] = ""
    for path in table["horizontal"]:
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy(small_cohort / path, root / path)
    table.assign(remarks=["a", "b", "c"]).to_csv(root / "manifest.csv", index=False)
    shutil.copy(small_cohort / "cohort.yaml", root)
    return root


def test_it_says_what_was_done_and_what_is_to_do(three_eyes, tmp_path, capsys):
    out, key = tmp_path / "out", tmp_path / "key.txt"
    assert main(["deidentify", str(three_eyes), str(out), "--key", str(key)]) == 0
    said = capsys.readouterr().out
    assert "3 eyes" in said
    assert "columns left out, not declared: remarks" in said
    assert "new; keep it safe" in said
    assert f"review every scan before sharing: {out}_review" in said
    assert INTENDED_USE in said
    assert key.read_text().strip() not in said
    page = (tmp_path / "out_review" / "review_001.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 3
    assert "http:" not in page
    assert "https:" not in page
    assert INTENDED_USE in page
    assert main(["check", str(out), "--tables-only"]) == 0


def test_a_key_that_others_may_read_is_said(three_eyes, tmp_path, capsys):
    key = tmp_path / "key.txt"
    key.write_text("ab" * 32)
    key.chmod(0o644)
    arguments = ["deidentify", three_eyes, tmp_path / "out", "--key", key]
    assert main([*map(str, arguments), "--review", str(tmp_path / "look")]) == 0
    assert "chmod 600" in capsys.readouterr().err
    assert (tmp_path / "look" / "review_001.html").exists()


def test_without_a_key_nothing_starts(three_eyes, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(["deidentify", str(three_eyes), str(tmp_path / "out")])
    assert end.value.code == 2
    assert "--key" in capsys.readouterr().err


def test_a_folder_that_is_no_cohort(tmp_path, fails):
    assert "no such folder" in fails(
        "deidentify", tmp_path / "no", tmp_path / "out", "--key", tmp_path / "key"
    )
    assert not list(tmp_path.iterdir())
