"""Which eye and which view a scan shows, by the words of its file name."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ctt_net.errors import InputError

IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".jfif", ".bmp")

EYE_WORDS: Mapping[str, tuple[str, ...]] = {
    "OD": ("od", "right", "右眼", "右"),
    "OS": ("os", "left", "左眼", "左"),
}
VIEW_WORDS: Mapping[str, tuple[str, ...]] = {
    "horizontal": ("horizontal", "hor", "h", "横扫", "横"),
    "vertical": ("vertical", "vert", "ver", "v", "纵扫", "纵", "竖扫", "竖"),
}


def is_scan(path: Path) -> bool:
    """Whether a file of a patient folder is meant to be a scan."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def eye_and_view(path: Path, views: Iterable[str]) -> tuple[str, str]:
    """Read eye and view off a name such as `OD_horizontal.png` or `右眼_横扫.tif`.

    Args:
        path: Scan file; only its name is read.
        views: Names of the views the model knows.

    Returns:
        `OD` or `OS`, and one of `views`.

    Raises:
        InputError: If the name says nothing, or two things.
    """
    known = {view: (view.lower(), *VIEW_WORDS.get(view, ())) for view in views}
    eye = _only(path, EYE_WORDS, "the eye (OD or OS)")
    return eye, _only(path, known, f"the view ({', '.join(known)})")


def _only(path: Path, vocabulary: Mapping[str, tuple[str, ...]], what: str) -> str:
    name = path.stem.lower()
    # Latin words must stand alone: "os" is also part of "posterior". Chinese ones stand anywhere.
    latin = set(re.findall(r"[a-z]+", name)) | set(re.split(r"[\s\-.]+", name))
    found = {
        meaning
        for meaning, words in vocabulary.items()
        if any(word in (latin if word.isascii() else name) for word in words)
        or re.search(rf"(?<![a-z0-9]){re.escape(words[0])}(?![a-z0-9])", name)
    }
    if len(found) == 1:
        return found.pop()
    cure = (
        "rename it like OD_horizontal.png, or list it under 'files' in patient.yaml "
        "(files: {OD: {horizontal: scan.png}})"
    )
    if found:
        raise InputError(f"{path}: the name says {' and '.join(sorted(found))} at once; {cure}")
    raise InputError(f"{path}: the name does not say {what}; {cure}")
