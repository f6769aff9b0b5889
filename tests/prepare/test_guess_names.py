import pandas as pd
import pytest

from ctt_net.prepare.draft.guess_names import Vocabulary, group, pattern_of
from ctt_net.prepare.draft.guess_scans import eyes_of, guess_scans

IDS = [f"K-{n:02d}" for n in range(6)]


def patterns(names, ids=IDS):
    known = Vocabulary.of(ids, {"OD": ["R"], "OS": ["L"]})
    return [pattern_of(shape, "patient_id") for shape in group(names, known)]


@pytest.mark.parametrize(
    ("build", "pattern"),
    [
        ("{id}_R_h.png", "{patient_id}_{laterality}_{view}.png"),
        ("{id}/OD vertical.TIF", "{patient_id}/{laterality} {view}.tif"),
        ("{id}右眼横扫_术前.jpg", "{patient_id}{laterality}{view}_{visit}.jpg"),
        ("oct/{id}_L_v_W0.png", "oct/{patient_id}_{laterality}_{view}_{visit}.png"),
        ("{id}_{n}_R_h.png", "{patient_id}_{*}_{laterality}_{view}.png"),
        ("{id}_R_h_R.png", "{patient_id}_{laterality}_{view}_r.png"),
    ],
)
def test_pattern_of_files_built_alike(build, pattern):
    names = [build.replace("{id}", name).replace("{n}", str(7 + n)) for n, name in enumerate(IDS)]
    assert patterns(names) == [pattern]


def test_a_text_that_few_persons_share_is_not_shown():
    assert patterns(["Smith_K-01_R_h.png", "Smith_K-01_R_v.png"]) == [
        "{*}_{patient_id}_{laterality}_{view}.png"
    ]


def guess(tmp_path, names, sides=("OD", "OS")):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    ids = pd.Series([name for name in IDS for _ in sides])
    table = pd.DataFrame({"Nr": ids})
    eyes = eyes_of(ids, pd.Series(list(sides) * len(IDS)), table)
    return guess_scans(tmp_path, eyes, ["patient_id"], {"OD": ["R"], "OS": ["L"]})


def test_counts_are_those_of_the_engine(tmp_path):
    names = [
        f"{name}_{side}_h_{week}.png" for name in IDS for side in "RL" for week in ("W0", "W4")
    ]
    found = guess(tmp_path, [*names, "K-99_R_h_W0.png", "notes.txt", "scan.vol"])
    assert found.kinds == {".png": 25, ".txt": 1, ".vol": 1}
    assert (found.n_scans, found.device_files) == (26, 1)
    best = found.patterns[0]
    assert best.text == "{patient_id}_{laterality}_{view}_{visit}.png"
    assert (best.files, best.joined, best.eyes) == (24, 12, 12)
    assert found.visits["preop"] == {"w0": 12}
    assert found.visits["postop"] == {"w4": 12}
    assert found.left == 14
    assert found.doubles == 0


def test_several_files_for_one_view_are_counted(tmp_path):
    names = [f"{name}_R_h_{n}.png" for name in IDS for n in (1, 2)]
    assert guess(tmp_path, names).doubles == 6


def test_short_words_need_their_counterpart(tmp_path):
    # "la" and "le" are articles; nothing here says the side
    names = [f"{name}_la_h.png" for name in IDS]
    assert "laterality" not in guess(tmp_path, names).words


def test_folder_of_others_joins_nothing(tmp_path):
    found = guess(tmp_path, ["a.png", "b/c.tif"])
    assert found.patterns == []
    assert found.left == 2
