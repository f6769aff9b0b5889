"""Called by MkDocs and mkdocstrings, when `make docs` builds the site.

The help of the commands goes into its page, links to files outside docs/ become their paths, and
examples in docstrings are shown as code.
"""

import contextlib
import io
import os
import re
from pathlib import PurePosixPath
from typing import Any

import griffe

COMMANDS_HERE = "<!-- commands -->"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Prepare the text of one page.

    Args:
        markdown: As written.
        page: Of MkDocs.
    """
    if COMMANDS_HERE in markdown:
        markdown = markdown.replace(COMMANDS_HERE, _commands())
    folder = PurePosixPath("docs", page.file.src_uri).parent
    return LINK.sub(lambda link: _within_the_site(link, folder), markdown)


def _within_the_site(link: re.Match[str], folder: PurePosixPath) -> str:
    """A link to a file outside docs/ as its text and the file's path in the repository."""
    text, address = link[1], link[2]
    if "://" in address:
        return link[0]
    target = PurePosixPath(os.path.normpath(folder / address))
    if target.parts[:1] == ("docs",):
        return link[0]
    return text if str(target) in text else f"{text} (`{target}`)"


def _commands() -> str:
    """A heading and the help of every command, as `ctt-net COMMAND --help` prints it."""
    from ctt_net.cli.main import COMMANDS, main

    os.environ["COLUMNS"] = "80"  # one width, whatever the terminal
    parts = []
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2].replace("_", "-")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            main([name, "--help"])
        if not printed.getvalue():
            raise ValueError(f"ctt-net {name} has no help")
        text = re.sub(r"\n\nResearch use only\..*", "", printed.getvalue(), flags=re.DOTALL)
        parts.append(f"## {name}\n```text\n{text.strip()}\n```")
    return "\n\n".join(parts)


class Conventions(griffe.Extension):
    """What this package writes otherwise than griffe expects."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of examples where a docstring has the singular."""
        if obj.docstring is not None:
            text = obj.docstring.value
            obj.docstring.value = re.sub("^Example:$", "Examples:", text, flags=re.MULTILINE)

    def on_module_members(self, *, mod: griffe.Module, **_: Any) -> None:
        """What a package offers is what its `__init__.py` imports."""
        if mod.is_init_module and mod.exports is None:
            mod.exports = [name for name, member in mod.members.items() if member.is_alias]
