"""Which file shows which view of which eye."""

import unicodedata

import pytest

from tests.prepare.balance import balance
from tests.prepare.conftest import EYES, picture

ONE_VIEW = {"horizontal": {"direction": "horizontal", "angle_deg": 0}}
SIDES = {"OD": ["R"], "OS": ["L"]}


def shown(raw, **how):
    """Views of every eye as they came out, by the size of their files."""
    eyes = raw.eyes(**how)
    return {eye: [view for view in ("horizontal", "vertical") if eyes.loc[eye, view]]
            for eye in eyes.index}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{patient_id}_{laterality}_{view}.png", "00017_R_h.png"),
        ("{patient_id}_{laterality}_{view}.PNG", "00017_r_H.png"),
        ("{patient_id}/{laterality}/{view}.png", "00017/R/h.png"),
        ("{patient_id}/{*}/{laterality}_{view}.png", "00017/any thing/R_h.png"),
        ("{patient_id}/*/{laterality}_{view}.png", "00017/2024-01-01/R_h.png"),
        ("**/{patient_id}_{laterality}_{view}.png", "a/b/c/00017_R_h.png"),
        ("**/{patient_id}_{laterality}_{view}.png", "00017_R_h.png"),
        ("{*} {patient_id}, {laterality}_{view}.png", "a scan of 00017, R_h.png"),
        ("{patient_id}_{*}_{laterality}{view}.png", "00017_2024_Rh.png"),
        ("{eye_id}_{view}.png", "00017_OD_h.png"),
        ("{MRN}-{Eye}-{view}.png", "00017-r-H.png"),
        ("{patient_id}.v1 (copy)+{laterality}[{view}].png", "00017.v1 (copy)+R[h].png"),
    ],
)
def test_patterns(raw, pattern, name):
    raw.export(name)
    raw.scans(pattern, laterality=SIDES, view={"horizontal": ["h"], "vertical": ["v"]})
    assert shown(raw) == {"00017_OD": ["horizontal"], "00017_OS": [], "00018_OD": []}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{patient_id}_{laterality}_{view}.png", "00019_R_h.png"),
        ("{patient_id}_{laterality}_{view}.png", "00018_L_h.png"),
        ("{patient_id}_{laterality}_{view}.png", "00017_X_h.png"),
        ("{patient_id}_{laterality}_{view}.png", "00017_R_x.png"),
        ("{patient_id}_{laterality}_{view}.png", "00017_R_h.tif"),
        ("{patient_id}_{laterality}_{view}.png", "deep/00017_R_h.png"),
        ("*/{patient_id}_{laterality}_{view}.png", "a/b/00017_R_h.png"),
        ("{patient_id}.{laterality}.{view}.png", "00017xRxh.png"),
        ("{patient_id}_{*}{view}{*}_{laterality}.png", "00017_thickness_R.png"),
    ],
)
def test_patterns_that_fit_nothing_stop(raw, pattern, name):
    raw.export(name)
    raw.scans(pattern, laterality=SIDES, view={"horizontal": ["h"], "vertical": ["v"]})
    raw.fails("scans.names fit none of the 1 files in exports", name, "'00017' OD", "correct the")


def test_ids_that_lost_their_zeros(raw):
    raw.table([{"MRN": "17", "Eye": "R", "Before": "0.4", "After": "0.8"}])
    raw.export("00017_R_h.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES, view={"horizontal": ["h"]})
    raw.fails("made a number of '00017'", "the table says '17'", "as text")


def test_a_pattern_outside_a_list_is_shown_as_yaml_reads_it(raw):
    raw.scans("x")
    raw.sections["scans"]["names"] = "{patient_id}_{laterality}_{view}.png"
    raw.fails('must be a list such as ["{patient_id}_{laterality}_{view}.png"]')


def test_an_empty_folder_and_none(raw):
    raw.scans("{patient_id}_{laterality}_{view}.png").fails("exports: no such folder")
    (raw.folder / "exports").mkdir()
    raw.fails("there are no scan files in it")


def test_own_words_and_chinese_ones(raw):
    raw.export("00017_右眼_横扫.png", "00017_左眼_纵扫.png", "00018_OD_vertical.png")
    raw.scans("{patient_id}_{laterality}_{view}.png")
    assert shown(raw) == {
        "00017_OD": ["horizontal"], "00017_OS": ["vertical"], "00018_OD": ["vertical"],
    }  # fmt: skip


def test_accents_in_either_spelling(raw):
    raw.table([{**EYES[0], "MRN": unicodedata.normalize("NFC", "Zoë")}])
    raw.export(unicodedata.normalize("NFD", "Zoë_OD_h.png"))
    raw.scans("{patient_id}_{laterality}_{view}.png")
    assert shown(raw) == {"Zoë_OD": ["horizontal"]}


def test_the_right_picture_reaches_the_right_eye(raw):
    names = [f"{e['MRN']}_{e['Eye']}_{view}.png" for e in EYES for view in "hv"]
    raw.export(*names)
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    eyes = raw.eyes()
    for eye, word in (("00017_OD", "00017_R"), ("00017_OS", "00017_L"), ("00018_OD", "00018_R")):
        for view in ("horizontal", "vertical"):
            source = raw.folder / "exports" / f"{word}_{view[0]}.png"
            assert (raw.out / eyes.loc[eye, view]).read_bytes() == source.read_bytes()
    assert len(list((raw.out / "scans").iterdir())) == 6


def test_other_visits_are_left_alone_and_counted(raw):
    raw.export("00017_R_h_pre.png", "00017_R_h_post.png", "00018_R_h_W4.png")
    raw.scans("{patient_id}_{laterality}_{view}_{visit}.png", laterality=SIDES,
              visit={"preop": ["pre", "baseline"]})  # fmt: skip
    done = raw.prepare()
    assert done.unused == ("00017_R_h_post.png", "00018_R_h_W4.png")
    assert (done.cohort.table["horizontal"] != "").sum() == 1


def test_the_first_pattern_that_joins_a_file_counts(raw):
    raw.export("00017_R_h.png", "00018_R_h_old.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", "{patient_id}_{laterality}_{view}_old.png",
              laterality=SIDES)  # fmt: skip
    assert raw.prepare().unused == ()


def test_two_files_for_one_view_stop(raw):
    raw.export("00017_R_h_1.png", "00017_R_h_2.png")
    raw.scans("{patient_id}_{laterality}_{view}_*.png", laterality=SIDES)
    raw.fails("eyes.csv", "row 2: 2 files for view horizontal", "00017_R_h_1.png", "_h_2.png")


def test_one_picture_for_two_eyes_stops(raw):
    raw.export("00017_h.png", "00018_h.png")
    raw.scans("{patient_id}_{view}.png")
    raw.fails("row 3: '00017_h.png' is the horizontal scan of the eye in row 2", "{laterality}")


def test_a_picture_that_does_not_say_its_view_stops(raw):
    raw.export("00017_R.png")
    raw.scans("{patient_id}_{laterality}.png", laterality=SIDES)
    raw.fails("00017_R.png", "horizontal, vertical", "add {view} to the pattern")
    raw.sections["views"] = ONE_VIEW
    assert raw.eyes().loc["00017_OD", "horizontal"]


def test_a_name_that_can_be_read_in_two_ways_stops(raw):
    raw.export("00017_R_h_v_1.png")
    raw.scans("{patient_id}_{laterality}_{*}{view}_{*}.png", laterality=SIDES)
    raw.fails("00017_R_h_v_1.png", "in two ways", "horizontal", "vertical", "stricter")


def test_ids_that_hold_the_separator(raw):
    raw.table([{**EYES[0], "MRN": "A_R_1"}, {**EYES[2], "MRN": "A"}])
    raw.export("A_R_1_R_h.png", "A_R_h.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    assert shown(raw) == {"A_R_1_OD": ["horizontal"], "A_OD": ["horizontal"]}


def test_the_device_of_the_name_must_be_that_of_the_row(raw):
    raw.table([{**eye, "Maker": maker} for eye, maker in zip(EYES, ["Z", "Z", "H"], strict=True)])
    raw.export("00017_R_h_zeiss.png", "00018_R_h_zeiss.png")
    raw.say("columns", device={"column": "Maker", "recode": {"Z": "zeiss", "H": "heidelberg"}})
    raw.scans("{patient_id}_{laterality}_{view}_{device}.png", laterality=SIDES,
              device={"zeiss": ["zeiss"], "heidelberg": ["hra"]})  # fmt: skip
    assert raw.prepare().unused == ("00018_R_h_zeiss.png",)


@pytest.mark.parametrize(
    ("pattern", "keys", "said"),
    [
        ("{patient_id}_{}.png", {}, "empty braces"),
        ("{patient_id}_{view}_{view}.png", {}, "has {view} twice"),
        ("{patient_id}_{visit}.png", {}, "scans.visit has no words"),
        ("{patient_id}_{Folder}.png", {}, "asks for {Folder}, which is neither a column"),
        ("{patient_id}.png", {"visit": {"preop": []}}, "scans.visit.preop needs words"),
        ("{patient_id}.png", {"visit": {"preop": [""]}}, "scans.visit.preop needs words"),
        ("{patient_id}.png", {"visit": {"postop": ["x"]}}, "scans.visit.postop: expected one of"),
        ("{patient_id}.png", {"view": {"oblique": ["o"]}}, "scans.view.oblique: expected one of"),
        ("{patient_id}.png", {"laterality": {"OD": ["x"], "OS": ["X"]}}, "'x' means OD and OS"),
        ("{patient_id}.png", {"unreadable": "skip"}, "unreadable must be one of stop or leave_out"),
        ("{patient_id}.png", {"name": "x"}, "'names' is given already"),
        ("{patient_id}.png", {"columns": {"horizontal": "MRN"}}, "either names (patterns) or"),
        ("{patient_id}.png", {"columns": "MRN"}, "scans.columns must be"),
        ("{patient_id}.png", {"folder": None}, "scans.folder is missing"),
    ],
)
def test_a_wrong_scans_section(raw, pattern, keys, said):
    raw.export("00017.png")
    raw.scans(pattern, **keys).fails(said)


def test_files_by_columns(raw):
    rows = [{**eye, "File": name} for eye, name in
            zip(EYES, ["a/1.png", "a\\2.png", ""], strict=True)]  # fmt: skip
    raw.table(rows)
    raw.export("a/1.png", "a/2.png")
    raw.sections["scans"] = {"folder": "exports", "columns": {"horizontal": "File"}}
    assert shown(raw) == {"00017_OD": ["horizontal"], "00017_OS": ["horizontal"], "00018_OD": []}


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("../secret.png", "leaves the folder"),
        ("/etc/secret.png", "leaves the folder"),
        ("C:\\scans\\1.png", "leaves the folder"),
        ("b\\..\\..\\1.png", "leaves the folder"),
        ("none.png", "no such file"),
    ],
)
def test_a_file_of_a_column_that_is_not_there(raw, cell, said):
    raw.table([{**EYES[0], "File": "1.png"}, {**EYES[1], "File": cell}])
    raw.export("1.png")
    raw.sections["scans"] = {"folder": "exports", "columns": {"horizontal": "File"}}
    raw.fails("row 3, column", said)


def test_one_file_named_for_two_eyes_stops(raw):
    raw.table([{**eye, "File": "1.png"} for eye in EYES[:2]])
    raw.export("1.png")
    raw.sections["scans"] = {"folder": "exports", "columns": {"horizontal": "File"}}
    raw.fails("row 3: '1.png' is the horizontal scan of the eye in row 2")


def test_rows_of_one_eye_that_name_other_files_stop(raw):
    raw.table([{**EYES[0], "File": "1.png"}, {**EYES[0], "File": "2.png"}])
    raw.export("1.png", "2.png")
    raw.sections["scans"] = {"folder": "exports", "columns": {"horizontal": "File"}}
    raw.fails("row 3: a second row for eye 00017 OD", "another File")


def test_sides_from_the_names_of_files(raw):
    raw.table([{k: v for k, v in eye.items() if k != "Eye"} for eye in (EYES[0], EYES[2])])
    raw.say("columns", laterality={"from": "files"})
    raw.export("00017_L_h.png", "00017_L_v.png", "00099_R_h.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    assert shown(raw) == {"00017_OS": ["horizontal", "vertical"]}
    assert balance(raw.out)[0] == {"no scan says which eye it is": 1}
    raw.out = raw.folder / "second"
    raw.fails("only the scans say which eye a row is", tables_only=True)
    raw.export("00018_L_h.png", "00018_R_h.png")
    raw.fails("row 3: its scans are named OD and OS")


def test_a_cohort_made_among_the_scans_is_no_raw_data(raw):
    raw.export("00017_OD_horizontal.png")
    raw.scans("**/{patient_id}_{laterality}_{view}.png", folder="exports")
    raw.out = raw.folder / "exports" / "made"
    raw.prepare()
    assert raw.prepare(replace=True).cohort.table["horizontal"].astype(bool).sum() == 1


def test_hidden_files_and_other_files_are_no_scans(raw):
    raw.export("00017_R_h.png", ".00018_R_h.png", ".cache/00018_R_h.png")
    (raw.folder / "exports" / "notes.txt").write_text("x")
    raw.scans("**/{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    assert raw.prepare().unused == ()


def test_required_views_are_counted(raw):
    raw.export("00017_R_h.png", "00017_L_h.png", "00017_L_v.png")
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    raw.sections["require"] = ["any_view"]
    raw.prepare()
    assert balance(raw.out)[0] == {"no scan": 1}
    raw.sections["require"] = ["all_views"]
    done = raw.prepare(replace=True)
    assert balance(raw.out)[0] == {"not all views": 2}
    assert done.cohort.table["eye_id"].tolist() == ["00017_OS"]
    assert len(raw.eyes(replace=True, tables_only=True)) == 3  # views are not asked for then
    assert not (raw.out / "scans").exists()


def test_a_folder_that_may_not_be_read_stops(raw, monkeypatch):
    picture(raw.folder / "exports/00017_R_h.png")
    real = __import__("os").scandir

    def scandir(path):
        if str(path).endswith("exports"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", scandir)
    raw.scans("{patient_id}_{laterality}_{view}.png", laterality=SIDES)
    raw.fails("exports: cannot be read: Permission denied")
