"""Which eye and which view a scan shows, by the words of its file name."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ctt_net.errors import InputError

IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".jfif", ".bmp")

# Words that mean an eye wherever they stand alone in a name.
EYE_WORDS: Mapping[str, tuple[str, ...]] = {
    "OD": ("od", "right", "右眼", "右"),
    "OS": ("os", "left", "左眼", "左"),
}
# Words that may also be initials, articles or parts of a name (de la Cruz): they mean an eye in a
# column of sides, and in the name of a file only right beside the word for the view.
SIDE_WORDS: Mapping[str, tuple[str, ...]] = {
    "OD": (*EYE_WORDS["OD"], "r", "re", "rechts", "rechtes", "ra", "droit", "droite",
           "oeil droit", "right eye"),
    "OS": (*EYE_WORDS["OS"], "l", "le", "links", "linkes", "la", "gauche", "og", "oeil gauche",
           "left eye"),
}  # fmt: skip
VIEW_WORDS: Mapping[str, tuple[str, ...]] = {
    "horizontal": ("horizontal", "hor", "h", "横扫", "横"),
    "vertical": ("vertical", "vert", "ver", "v", "纵扫", "纵", "竖扫", "竖"),
}
_FIX = (
    "rename it like OD_horizontal.png, or list it under 'files' in patient.yaml "
    "(files: {OD: {horizontal: scan.png}})"
)
# Words of a scan that was taken after surgery.
POSTOP_WORDS = ("post", "postop", "postoperative", "after", "followup", "术后", "随访", "复查")


def is_scan(path: Path) -> bool:
    """Whether a file of a patient folder is meant to be a scan."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def eye_and_view(path: Path, views: Iterable[str]) -> tuple[str, str]:
    """Read eye and view off a name such as `OD_horizontal.png`, `0042_R_H.bmp` or `右眼_横扫.tif`.

    Args:
        path: Scan file; only its name is read.
        views: Names of the views the model knows.

    Returns:
        `OD` or `OS`, and one of `views`.

    Raises:
        InputError: If the name says nothing, two things, or a time after surgery.
    """
    check_preoperative(path)
    known = {view: (view.lower(), *VIEW_WORDS.get(view, ())) for view in views}
    name = path.stem.lower()
    eyes = _found(name, EYE_WORDS) | _sides_beside_view(name, known)
    eye = _only(path, eyes, "the eye (OD or OS)")
    return eye, _only(path, _found(name, known), f"the view ({', '.join(known)})")


def eyes_named(path: Path) -> set[str]:
    """`OD`, `OS` or both, as words of a file's name say that stand for an eye anywhere."""
    return _found(path.stem.lower(), EYE_WORDS)


def check_preoperative(path: Path) -> None:
    """Refuse a scan whose name says that it was taken after surgery.

    Raises:
        InputError: With the fix.
    """
    if _found(path.stem.lower(), {"postop": POSTOP_WORDS}):
        raise InputError(
            f"{path}: the name says that the scan was taken after surgery, and only those from "
            f"before can be predicted from; leave it out, or, if it is from before, {_FIX}"
        )


def _found(name: str, vocabulary: Mapping[str, tuple[str, ...]]) -> set[str]:
    # Latin words must stand alone: "os" is also part of "posterior". Chinese ones stand anywhere.
    latin = set(re.findall(r"[a-z]+", name)) | set(re.split(r"[\s\-.]+", name))
    return {
        meaning
        for meaning, words in vocabulary.items()
        if any(word in (latin if word.isascii() else name) for word in words)
        or re.search(rf"(?<![a-z0-9]){re.escape(words[0])}(?![a-z0-9])", name)
    }


def _sides_beside_view(name: str, views: Mapping[str, tuple[str, ...]]) -> set[str]:
    words = re.findall(r"[a-z]+|\d+|[^\W\d_a-z]+", name)
    known = {word for each in views.values() for word in each}
    beside = {
        near
        for at, word in enumerate(words)
        if word in known
        for near in (*words[max(at - 1, 0) : at], *words[at + 1 : at + 2])
    }
    return {eye for eye, sides in SIDE_WORDS.items() if beside & set(sides)}


def _only(path: Path, found: set[str], what: str) -> str:
    if len(found) == 1:
        return found.pop()
    if found:
        raise InputError(f"{path}: the name says {' and '.join(sorted(found))} at once; {_FIX}")
    raise InputError(f"{path}: the name does not say {what}; {_FIX}")
