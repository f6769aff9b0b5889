"""Every mapping beside a recipe is one that `ctt-net prepare` reads too."""

import pytest

from ctt_net.errors import InputError
from ctt_net.prepare.mapping.mapping import read_mapping

WHOLE = (
    "aptos2021/mapping_final.yaml",
    "aptos2021/mapping_round1.yaml",
    "moorfields_amd/mapping.yaml",
    "olives/mapping.yaml",
)
WITHOUT_THE_EYE = "zju_cataract/mapping.yaml"


def test_every_mapping_is_known_here(repository):
    found = {
        path.relative_to(repository / "datasets").as_posix()
        for path in (repository / "datasets").glob("*/mapping*.yaml")
    }
    assert found == {*WHOLE, WITHOUT_THE_EYE}


@pytest.mark.parametrize("name", WHOLE)
def test_a_mapping_is_whole(repository, name):
    mapping = read_mapping(repository / "datasets" / name)
    assert mapping.spec.licence
    assert (repository / "datasets" / name).with_name("README.md").is_file()


def test_the_hospital_mapping_lacks_the_eye_and_nothing_else(repository, tmp_path):
    text = (repository / "datasets" / WITHOUT_THE_EYE).read_text(encoding="utf-8")
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="laterality"):
        read_mapping(path)
    eye = "columns:\n  laterality: {column: D, OD: [右眼], OS: [左眼]}\n"
    path.write_text(text.replace("columns:\n", eye, 1), encoding="utf-8")
    assert list(read_mapping(path).spec.views) == ["horizontal", "vertical"]
