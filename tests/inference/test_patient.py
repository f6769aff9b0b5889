"""A patient folder: names, acuities and what is wrong with them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctt_net.cohort import View
from ctt_net.cohort.scan_names import eye_and_view
from ctt_net.errors import InputError
from ctt_net.inference.patient import read_patient

VIEWS = {
    "horizontal": View(direction="horizontal", angle_deg=0),
    "vertical": View(direction="vertical", angle_deg=90),
}


@pytest.mark.parametrize(
    ("name", "eye", "view"),
    [
        ("OD_horizontal.png", "OD", "horizontal"),
        ("os-vertical.tif", "OS", "vertical"),
        ("右眼_横扫.tif", "OD", "horizontal"),
        ("左眼纵扫.jpg", "OS", "vertical"),
        ("scan 3 left H.png", "OS", "horizontal"),
        ("Right.Vertical.2024.PNG", "OD", "vertical"),
        ("posterior_OD_v.png", "OD", "vertical"),
        ("00002_R_H_preop.png", "OD", "horizontal"),
        ("0042L-V.bmp", "OS", "vertical"),
        ("RA h 2018.png", "OD", "horizontal"),
        ("p1_vertical_links.tif", "OS", "vertical"),
        ("de_la_Cruz_OD_H.png", "OD", "horizontal"),
        ("右横扫.png", "OD", "horizontal"),
    ],
)
def test_names_tell_eye_and_view(name, eye, view):
    assert eye_and_view(Path(name), VIEWS) == (eye, view)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("scan1.png", "does not say the eye"),
        ("OD.png", "does not say the view"),
        ("posterior_horizontal.png", "does not say the eye"),
        ("OD_OS_h.png", "OD and OS at once"),
        ("OD_h_v.png", "horizontal and vertical at once"),
        ("OD_L_h.png", "OD and OS at once"),
        ("r_h_l.png", "OD and OS at once"),
        ("de_la_Cruz_H.png", "does not say the eye"),
        ("R_Miller_h.png", "does not say the eye"),
        ("00002_R_V_postop.png", "taken after surgery"),
        ("OD-h-Post-2.png", "taken after surgery"),
        ("术后_右眼_横扫.png", "taken after surgery"),
    ],
)
def test_names_that_say_nothing_or_too_much_are_refused(name, said):
    with pytest.raises(InputError, match=said) as caught:
        eye_and_view(Path(name), VIEWS)
    assert name in str(caught.value)


def test_view_names_of_any_cohort_count(tmp_path):
    views = {
        "raster_12": View(direction="horizontal", angle_deg=0),
        "raster_13": View(direction="horizontal", angle_deg=0),
    }
    assert eye_and_view(Path("OD_raster_12.png"), views) == ("OD", "raster_12")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "patient_7"
    path.mkdir()
    for grey, name in enumerate(("OD_horizontal.png", "OD_vertical.png", "OS_horizontal.png")):
        Image.fromarray(np.full((80, 90), grey, np.uint8)).save(path / name)
    return path


def read(folder, *preop_va, notation=None):
    return read_patient(folder, VIEWS, "bach", preop_va, notation)


def test_acuities_from_the_command_line(folder):
    patient = read(folder, "OD=20/60", "OS=20/40")
    assert patient.patient_id == "patient_7"
    right, left = patient.eyes
    assert (right.laterality, left.laterality) == ("OD", "OS")
    assert right.preop.logmar == pytest.approx(np.log10(3))
    assert set(right.scans) == {"horizontal", "vertical"}
    assert set(left.scans) == {"horizontal"}


def test_acuities_from_patient_yaml(folder):
    (folder / "patient.yaml").write_text(
        "patient_id: p7\nnotation: decimal\npreop_va: {OD: 0.5, OS: CF 1m}\n"
        "covariates: {age_years: 70}\n"
    )
    patient = read(folder)
    assert patient.patient_id == "p7"
    assert patient.eyes[0].preop.logmar == pytest.approx(0.30103)
    assert patient.eyes[1].preop.off_chart == "CF"
    assert patient.covariates == {"age_years": 70}


@pytest.mark.parametrize("typed", ["0042", "no", "1_234", "12:30", "1.50", "2024-01-01", "12e4"])
def test_the_id_is_the_text_typed(folder, typed):
    (folder / "patient.yaml").write_text(f"patient_id: {typed}\npreop_va: {{OD: CF, OS: HM}}\n")
    assert read(folder).patient_id == typed


@pytest.mark.parametrize(("typed", "logmar"), [("073", 0.24), ("55", 0.6), ("'055'", 0.6)])
def test_letters_with_a_leading_zero_are_those_typed(folder, typed, logmar):
    text = f"notation: etdrs\npreop_va: {{OD: {typed}, OS: {typed}}}\n"
    (folder / "patient.yaml").write_text(text)
    assert read(folder).eyes[0].preop.logmar == pytest.approx(logmar)


def test_unknown_has_to_be_said(folder):
    with pytest.raises(InputError, match="acuity of OS is not given") as caught:
        read(folder, "OD=20/60")
    assert "OS=unknown" in str(caught.value)
    assert read(folder, "OD=20/60", "OS=unknown").eyes[1].preop is None


def test_a_bare_number_needs_its_notation(folder):
    with pytest.raises(InputError, match="several notations"):
        read(folder, "OD=0.5", "OS=0.5")
    assert read(folder, "OD=0.5", "OS=0.5", notation="logmar").eyes[0].preop.logmar == 0.5


def test_a_file_map_takes_the_place_of_names(folder):
    (folder / "OD_horizontal.png").rename(folder / "a.png")
    (folder / "patient.yaml").write_text("files: {OD: {horizontal: a.png}}")
    patient = read(folder, "OD=20/20")
    assert patient.eyes[0].scans["horizontal"].name == "a.png"
    assert len(patient.eyes) == 1


def renamed(folder, *names):
    for old, new in zip(sorted(folder.glob("*.png")), names, strict=True):
        old.rename(folder / new)
    return folder


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (("00002_R_H.png", "00003_R_V.png", "00002_L_H.png"), ["00002_L_H.png", "00003_R_V.png"]),
        (("P0002-OD-h.png", "p0002-OD-v.png", "P0012-OS-h.png"), ["P0012-OS-h.png"]),
        (("0008_R_H.png", "0008_R_V.png", "0008_L_H.png"), ["0008_L_H.png", "patient 0007"]),
    ],
)
def test_scans_of_several_patients_are_refused(folder, names, named):
    folder = renamed(folder, *names).rename(folder.parent / "0007")
    with pytest.raises(InputError, match="of several patients") as caught:
        read(folder, "OD=20/60", "OS=20/40")
    assert all(name in str(caught.value) for name in named)


@pytest.mark.parametrize(
    "names",
    [
        ("0007_R_H.png", "0007_R_V_2.png", "0007L-H.png"),
        ("OD_h_101.png", "OD_v_102.png", "OS_h_103.png"),
        ("981_R_H.png", "981_R_V.png", "981_L_H.png"),  # numbers of another kind than 0007
        ("IMG001_OD_h.png", "IMG002_OD_v.png", "IMG003_OS_h.png"),
    ],
)
def test_other_numbers_in_names_are_no_patients(folder, names):
    folder = renamed(folder, *names).rename(folder.parent / "0007")
    assert read(folder, "OD=20/60", "OS=20/40").patient_id == "0007"


def test_scans_that_are_listed_may_have_any_name(folder):
    renamed(folder, "00002_a.png", "00003_b_postop.png", "c.png")
    (folder / "patient.yaml").write_text(
        "files: {OD: {horizontal: 00002_a.png, vertical: 00003_b_postop.png}}"
    )
    assert len(read(folder, "OD=20/60").eyes[0].scans) == 2


@pytest.mark.parametrize(
    "name", ["patient.yml", "Patient.YAML", "patient.yaml.txt", "patients.yaml"]
)
def test_facts_under_nearly_the_right_name_do_not_go_unread(folder, name):
    (folder / name).write_text("notation: decimal\npreop_va: {OD: 0.5, OS: 0.5}\n")
    with pytest.raises(InputError, match=r"rename it patient\.yaml"):
        read(folder, "OD=20/60", "OS=20/40")


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("files: {OD: {horizontal: ../secret.png}}", "leaves the folder"),
        ("files: {OD: {horizontal: absent.png}}", "no such file"),
        ("files: {OD: {sideways: a.png}}", "sideways"),
        ("preop_va: {right: 0.5}", "right"),
        ("acuity: 0.5", "acuity"),
        ("notation: inches\npreop_va: {OD: 0.5, OS: 0.5}", "inches"),
        ("preop_va: 0.5", "preop_va"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_wrong_patient_yaml_says_where(folder, yaml, said):
    (folder / "patient.yaml").write_text(yaml)
    with pytest.raises(InputError, match=said) as caught:
        read(folder, "OD=20/60", "OS=20/60") if "preop_va" not in yaml else read(folder)
    assert "patient.yaml" in str(caught.value)


def test_two_scans_of_one_view_are_refused(folder):
    (folder / "right_h.png").write_bytes((folder / "OD_horizontal.png").read_bytes())
    with pytest.raises(InputError, match="both the horizontal view of OD"):
        read(folder, "OD=20/60", "OS=20/60")


def test_an_acuity_without_a_scan_is_refused(folder):
    (folder / "OS_horizontal.png").unlink()
    with pytest.raises(InputError, match="no scan of it"):
        read(folder, "OD=20/60", "OS=20/60")


def test_an_empty_or_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="no scan here"):
        read(tmp_path, "OD=20/60")
    with pytest.raises(InputError, match="no such folder"):
        read(tmp_path / "absent", "OD=20/60")


def test_a_fraction_and_a_word_need_no_notation_and_mix_with_one(folder):
    right, left = read(folder, "OD=20/40", "OS=CF 1m").eyes
    assert right.preop.logmar == pytest.approx(0.30103)
    assert left.preop.off_chart == "CF"
    right, left = read(folder, "OD=20/40", "OS=0.5", notation="decimal").eyes
    assert right.preop.logmar == pytest.approx(left.preop.logmar)


def test_an_eye_given_twice_is_refused(folder):
    with pytest.raises(InputError, match="given twice"):
        read(folder, "OD=20/40", "OD=20/60", "OS=20/40")


def test_one_picture_is_not_two_views(folder):
    (folder / "OD_vertical.png").write_bytes((folder / "OS_horizontal.png").read_bytes())
    with pytest.raises(InputError, match="one and the same picture"):
        read(folder, "OD=20/40", "OS=20/40")


def test_the_folder_names_the_patient_where_the_file_does_not(folder):
    (folder / "patient.yaml").write_text("patient_id: null")
    assert read(folder, "OD=20/40", "OS=20/40").patient_id == "patient_7"
    (folder / "patient.yaml").write_text("patient_id: [1, 2]")
    with pytest.raises(InputError, match="patient_id"):
        read(folder, "OD=20/40", "OS=20/40")


def test_a_raw_device_file_is_sent_to_convert(folder):
    (folder / "macula.vol").write_bytes(b"HSF-OCT-103\x00")
    with pytest.raises(InputError, match=r"ctt-net convert .*macula\.vol"):
        read_patient(folder, VIEWS, "bach", ("OD=20/60", "OS=20/60"), None)
