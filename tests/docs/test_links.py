"""Links between Markdown files, the site's contents, and what a reader reaches from the index."""

import itertools
import os
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FILES = sorted(
    {*PAGES, *REPOSITORY.glob("*.md"), *REPOSITORY.glob("datasets/*/*.md")}
    - {REPOSITORY / "CHANGELOG.md"}
)

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def shown(path):
    return path.relative_to(REPOSITORY).as_posix()


@cache
def prose(path):
    """Text without blocks of code."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


@cache
def anchors(path):
    """Headings as GitHub and the site turn them into anchors."""
    headings = re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)
    plain = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower() for heading in headings
    ]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@cache
def links(path):
    """Targets within the repository as (file, anchor)."""
    found = []
    for address in LINK.findall(re.sub(r"`[^`]*`", "", prose(path))):
        if not re.match(r"[a-z]+:", address):
            file, _, anchor = unquote(address).partition("#")
            target = Path(os.path.normpath(path.parent / file)) if file else path
            found.append((target, anchor))
    return found


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_links_lead_somewhere(path):
    for target, anchor in links(path):
        assert target.exists(), f"{shown(path)} links to {shown(target)}, which is not there"
        if anchor:
            assert anchor in anchors(target), (
                f"{shown(path)}: no heading #{anchor} in {shown(target)}"
            )


def nav_files(entry):
    if isinstance(entry, str):
        return [entry]
    inner = entry.values() if isinstance(entry, dict) else entry
    return [file for one in inner for file in nav_files(one)]


def test_every_page_is_in_the_nav_once():
    text = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    nav = nav_files(yaml.safe_load(text[text.index("\nnav:") :])["nav"])
    assert sorted(nav) == sorted(path.relative_to(DOCS).as_posix() for path in PAGES)


def test_every_page_is_two_clicks_from_the_index_and_from_the_readme():
    for start in (DOCS / "index.md", REPOSITORY / "README.md"):
        one = {target for target, _ in links(start)}
        two = {target for page in one if page in PAGES for target, _ in links(page)}
        assert not {shown(page) for page in set(PAGES) - one - two - {start}}, start


def test_files_named_in_the_tree_exist():
    """Comments, messages and configurations name pages of docs/ by their path."""
    named = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.md")
    missing = {
        f"{shown(path)}: {name}"
        for folder in ("ctt_net", "configs", "datasets", "benchmarks", "tests", "notebooks")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".md", ".ipynb", ".html")
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (REPOSITORY / name).exists() and name != "docs/README.md"  # of a MONAI Bundle
    }
    assert not missing


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_a_list_and_a_table_follow_a_blank_line(path):
    """GitHub does without, the site does not."""
    lines = prose(path).split("\n")
    for before, line in itertools.pairwise(lines):
        begins = re.match(r"([-*]|\d+\.) |\|", line)
        goes_on = re.match(r"\s*([-*]|\d+\.) |#|\s{2}|\|", before)
        assert not (begins and before.strip() and not goes_on), f"{shown(path)}: {line[:60]}"
