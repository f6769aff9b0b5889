"""Commands and Python of README and pages name what exists."""

import ast
import contextlib
import inspect
import io
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

import ctt_net
from ctt_net.cli.main import main
from ctt_net.training.config_keys import known_keys

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
CLASSES = {
    "ctt_net": ctt_net,
    "cohort": ctt_net.Cohort,
    "run": ctt_net.Run,
    "result": ctt_net.Result,
    "model": ctt_net.Model,
    "patient": ctt_net.PatientResult,
}


def blocks(language):
    """(page, text) of every block of code in a language."""
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield path.relative_to(REPOSITORY).as_posix(), block


def commands():
    """(page, name of the command, its arguments) wherever a page shows one."""
    for page, block in blocks("sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
                words.pop(0)
            if words[:1] == ["ctt-net"]:
                yield page, words[1], words[2:]
            elif words[:1] == ["python"] and re.fullmatch(
                r"(train|evaluate|predict)\.py", words[1]
            ):
                yield page, words[1].removesuffix(".py"), words[2:]


@cache
def help_of(name):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([name, "--help"])
    return printed.getvalue()


@pytest.mark.parametrize(("page", "name", "arguments"), list(commands()), ids=str)
def test_a_command_and_its_options_exist(page, name, arguments):
    if name.startswith("-"):
        return
    assert help_of(name), f"{page}: no command {name}"
    for flag in (word.partition("=")[0] for word in arguments if word.startswith("--")):
        if name in ("train", "pretrain"):
            key = ".".join(flag.removeprefix("--").split(".")[:2])
            known = key in known_keys(name) or flag in help_of(name)
        else:
            known = re.search(rf"{flag}\b", help_of(name))
        assert known, f"{page}: {name} has no {flag}"
    for word in arguments:
        if word.startswith("configs/"):
            assert (REPOSITORY / word).is_file(), f"{page}: no {word}"


def has(owner, name):
    fields = getattr(owner, "__dataclass_fields__", {})
    return hasattr(owner, name) or name in fields


@pytest.mark.parametrize(("page", "text"), list(blocks("python")), ids=lambda one: one[:40])
def test_python_names_what_exists(page, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = CLASSES.get(node.value.id)
            assert owner is None or has(owner, node.attr), f"{page}: {ast.unparse(node)}"
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[0] in CLASSES:
            owner, _, name = ast.unparse(node.func).partition(".")
            called = getattr(CLASSES[owner], name)
            bound = [] if owner == "ctt_net" else [None]
            keywords = {one.arg: None for one in node.keywords}
            inspect.signature(called).bind(*bound, *node.args, **keywords)
