"""The Dockerfile takes the steps of the installation page; there is no daemon here to build it."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def instructions():
    """(word, rest) of each line of the Dockerfile, continued lines as one."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def offline_commands():
    """Commands of the section of the page, in order."""
    page = (REPOSITORY / "docs/start/installation.md").read_text()
    section = page.split("## Without a network")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def test_it_installs_as_the_page_says():
    installing = [rest for word, rest in instructions() if word == "RUN" and "pip" in rest]
    assert len(installing) == 2
    commands = offline_commands()
    places = [commands.index(one) for one in installing]
    assert places == sorted(places)


def test_it_runs_the_command_as_nobody_special_on_a_python_that_fits():
    words = dict(instructions())
    assert words["ENTRYPOINT"] == '["ctt-net"]'
    assert words["USER"] != "root"
    setup = (REPOSITORY / "setup.py").read_text()
    lowest = re.search(r'python_requires=">=3\.(\d+)"', setup)[1]
    for word, rest in instructions():
        if word == "FROM":
            assert int(re.match(r"python:3\.(\d+)-slim", rest)[1]) >= int(lowest)


def test_no_data_gets_into_the_image():
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"  # everything is left out but what is named
    allowed = {line[1:] for line in rules if line.startswith("!")}
    assert allowed.isdisjoint({"data", "runs", "out", "tests", "datasets", ".git"})
    for name in allowed:
        assert (REPOSITORY / name).exists()
    assert {"ctt_net", "configs", "setup.py", "pyproject.toml", "README.md"} <= allowed
