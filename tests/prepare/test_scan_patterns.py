import pytest

from ctt_net.prepare.draft.scans import draft_scans

IDS = [f"K-{n:02d}" for n in range(6)]
SIDE_WORDS = {"OD": ["R"], "OS": ["L"]}


def draft(tmp_path, names, sides=("OD", "OS")):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return draft_scans(tmp_path, {name: {*sides} for name in IDS}, SIDE_WORDS)


@pytest.mark.parametrize(
    ("build", "pattern"),
    [
        ("{id}_R_h.png", "{patient_id}_{laterality}_{view}.png"),
        ("{id}/OD vertical.TIF", "{patient_id}/{laterality} {view}.tif"),
        ("{id}右眼横扫_术前.jpg", "{patient_id}{laterality}{view}_{visit}.jpg"),
        ("oct/{id}_L_v_W0.png", "{*}/{patient_id}_{laterality}_{view}_{visit}.png"),
        ("{id}_{n}_R_h.png", "{patient_id}_{*}_{laterality}_{view}.png"),
        ("{}*_{id}_R_h.png", "{*}_{patient_id}_{laterality}_{view}.png"),
        ("{id}_R_h_R.png", "{patient_id}_{laterality}_{view}_{*}.png"),
    ],
)
def test_pattern_of_files_built_alike(tmp_path, build, pattern):
    names = [build.replace("{id}", name).replace("{n}", str(7 + n)) for n, name in enumerate(IDS)]
    found = draft(tmp_path, names)
    assert list(found.patterns) == [pattern]
    assert found.joined == len(IDS)


def test_a_text_without_a_meaning_is_not_shown(tmp_path):
    found = draft(tmp_path, ["Smith_K-01_R_h.png", "Smith_K-01_R_v.png"])
    assert list(found.patterns) == ["{*}_{patient_id}_{laterality}_{view}.png"]


def test_counts_are_those_of_the_search(tmp_path):
    names = [
        f"{name}_{side}_h_{week}.png" for name in IDS for side in "RL" for week in ("W0", "W4")
    ]
    found = draft(tmp_path, [*names, "K-99_R_h_W0.png", "notes.txt", "scan.vol"])
    assert found.n_files == 26
    assert found.patterns == {"{patient_id}_{laterality}_{view}_{visit}.png": 12}
    assert found.words["visit"] == {"preop": ["w0"], "postop": ["w4"]}
    assert (found.eyes, found.joined) == (12, 12)


def test_short_words_need_their_counterpart(tmp_path):
    # "la" and "le" are articles; nothing here says the side
    names = [f"{name}_la_h.png" for name in IDS]
    assert "laterality" not in draft(tmp_path, names).words


def test_folder_of_others_joins_nothing(tmp_path):
    found = draft(tmp_path, ["a.png", "b/c.tif"])
    assert found.patterns == {}
    assert found.joined == 0
