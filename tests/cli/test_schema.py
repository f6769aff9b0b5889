"""`ctt-net schema`: what is printed accepts the files of the project and refuses a misspelt key."""

import json
from pathlib import Path

import jsonschema
import pytest

from ctt_net.cli.main import main
from ctt_net.cli.schema import SCHEMAS
from ctt_net.io.yaml_file import parse_yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def printed(capsys, name):
    assert main(["schema", name]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_json_schema_that_describes_its_keys(capsys, name):
    schema = printed(capsys, name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert all(facts.get("description") for facts in schema["properties"].values())
    with pytest.raises(jsonschema.ValidationError, match="unexpected"):
        jsonschema.validate({"nmae": 1}, schema)


@pytest.mark.parametrize(
    "path", sorted(REPOSITORY.glob("datasets/*/mapping*.yaml")), ids=lambda path: path.parent.name
)
def test_the_mappings_of_the_recipes_fit(capsys, path):
    data = parse_yaml(path.read_text(encoding="utf-8"), str(path), plain=True)
    jsonschema.validate(data, printed(capsys, "mapping"))
