"""Names of scan files become patterns: ids of the table, words for eye, view and visit."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ctt_net.cohort.scan_names import EYE_WORDS, POSTOP_WORDS, SIDE_WORDS, VIEW_WORDS

_PREOP = ("pre", "preop", "preoperative", "baseline", "bl", "before", "术前", "基线")
_POSTOP = (*POSTOP_WORDS, "fu", "final")
_COUNTED = re.compile(r"(?:w|wk|week|m|mo|mon|month)0*([0-9]{1,3})")
# One letter or so, or an article: only believed where the other side is seen too.
_RISKY = ("r", "l", "re", "le", "ra", "la", "og", "b")
_CHINESE = sorted(
    (
        word
        for words in (*EYE_WORDS.values(), *VIEW_WORDS.values(), _PREOP, _POSTOP)
        for word in words
        if not word.isascii()
    ),
    key=lambda word: -len(word),
)
_TOKEN = re.compile("|".join(_CHINESE) + r"|[A-Za-z]+|[0-9]+|[\u3400-\u9fff]|.", re.DOTALL)
_MOST_TOKENS_OF_AN_ID = 9
_PERSONS_FOR_CONSTANT = 3


@dataclass
class Vocabulary:
    """Words of files in small letters, and what they mean.

    Args:
        ids: Cells that tell eyes or persons apart.
        sides: Word to `OD` or `OS`.
        views: Word to the view.
    """

    ids: frozenset[str]
    sides: Mapping[str, str]
    views: Mapping[str, str]

    @classmethod
    def of(cls, ids: Iterable[str], table_words: Mapping[str, Iterable[str]]) -> "Vocabulary":
        """The project's own words, those of the table, and the table's ids."""
        sides = {word: side for side, words in SIDE_WORDS.items() for word in words}
        sides |= {w.lower(): side for side, words in table_words.items() for w in words}
        views = {word: view for view, words in VIEW_WORDS.items() for word in words}
        return cls(frozenset(text.lower() for text in ids if text), sides, views)


@dataclass(frozen=True)
class Part:
    """A piece of a file's name.

    Args:
        text: As it stands, in small letters where it is a word.
        role: `id`, `laterality`, `view`, `visit`, `sign` or `other`.
    """

    text: str
    role: str


@dataclass
class Shape:
    """Files whose names are built alike.

    Args:
        parts: Roles, and the constant texts between them.
        files: Their paths.
        words: Role to the words seen.
        ids: The ids seen.
    """

    parts: list[Part]
    files: list[str] = field(default_factory=list)
    words: dict[str, Counter[str]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)


def parts_of(path: str, known: Vocabulary) -> list[Part]:
    """Cut a path below the folder into pieces with a meaning.

    >>> known = Vocabulary.of(["0042"], {"OD": ["R"], "OS": ["L"]})
    >>> [part.role for part in parts_of("0042_R_横扫.png", known) if part.role != "sign"]
    ['id', 'laterality', 'view', 'other']
    """
    tokens = _TOKEN.findall(path)
    parts: list[Part] = []
    at = 0
    while at < len(tokens):
        for width in range(min(_MOST_TOKENS_OF_AN_ID, len(tokens) - at), 0, -1):
            text = "".join(tokens[at : at + width]).lower()
            role = _role(text, known)
            if role is not None:
                break
        else:
            width, text = 1, tokens[at]
            role = "other" if text.isalnum() else "sign"
        seen = role in ("laterality", "view", "visit") and any(p.role == role for p in parts)
        parts.append(Part(text if role != "other" else tokens[at], "other" if seen else role))
        at += width
    return parts


def visit_of(word: str) -> str:
    """`preop` or `postop` for a word of a visit; the count 0 is the visit before.

    >>> visit_of("w0"), visit_of("w04"), visit_of("术后")
    ('preop', 'postop', 'postop')
    """
    counted = _COUNTED.fullmatch(word)
    if counted is not None:
        return "preop" if int(counted[1]) == 0 else "postop"
    return "preop" if word in _PREOP else "postop"


def group(paths: Iterable[str], known: Vocabulary, which_id: int = 0) -> list[Shape]:
    """Files by the build of their names, the largest group first.

    Args:
        paths: Below the folder of the scans.
        known: What words mean.
        which_id: Which occurrence of an id in a name counts; -1 = the last one.
    """
    shapes: dict[tuple[str, ...], Shape] = {}
    for path in paths:
        stem, dot, suffix = path.rpartition(".")
        parts = [*_one_id(parts_of(stem, known), which_id), Part(dot + suffix.lower(), "suffix")]
        key = tuple(
            p.text if p.role in ("sign", "suffix") else p.role for p in _without_runs(parts)
        )
        shape = shapes.setdefault(key, Shape(_without_runs(parts)))
        shape.files.append(path)
        shape.parts = [
            a if a == b else Part("{*}" if a.role == "other" else a.text, a.role)
            for a, b in zip(shape.parts, _without_runs(parts), strict=True)
        ]
        for part in parts:
            if part.role == "id":
                shape.ids.add(part.text)
            elif part.role in ("laterality", "view", "visit"):
                shape.words.setdefault(part.role, Counter())[part.text] += 1
    return sorted(shapes.values(), key=lambda shape: -len(shape.files))


def pattern_of(shape: Shape, id_field: str) -> str:
    """The pattern of a mapping that fits a group of files."""
    fields = {"id": id_field, "laterality": "laterality", "view": "view", "visit": "visit"}
    # What the files of one or two persons share may be the name of a person.
    public = len(shape.ids) >= _PERSONS_FOR_CONSTANT
    text = "".join(
        f"{{{fields[part.role]}}}"
        if part.role in fields
        else part.text
        if public or part.role != "other"
        else "{*}"
        for part in shape.parts
    )
    return re.sub(r"(?:\{\*\})+", "{*}", text)


def believable(sides: Iterable[str], table_words: Mapping[str, Iterable[str]]) -> set[str]:
    """Words of sides that may be taken: long ones, and short ones whose counterpart is seen."""
    seen = set(sides)
    own = {word.lower() for words in table_words.values() for word in words}
    pairs = (("r", "l"), ("re", "le"), ("ra", "la"), ("od", "og"))
    paired = {word for pair in pairs if seen >= set(pair) for word in pair}
    return {word for word in seen if word not in _RISKY or word in paired or word in own}


def _role(text: str, known: Vocabulary) -> str | None:
    if text in known.ids:
        return "id"
    if text in known.sides:
        return "laterality"
    if text in known.views:
        return "view"
    if text in _PREOP or text in _POSTOP or _COUNTED.fullmatch(text):
        return "visit"
    return None


def _one_id(parts: list[Part], which: int) -> list[Part]:
    places = [at for at, part in enumerate(parts) if part.role == "id"]
    kept = places[which] if places else -1
    return [
        Part(part.text, "other") if part.role == "id" and at != kept else part
        for at, part in enumerate(parts)
    ]


def _without_runs(parts: list[Part]) -> list[Part]:
    """Pieces without a meaning, and the signs between them, become one."""
    short: list[Part] = []
    for at, part in enumerate(parts):
        after = parts[at + 1] if at + 1 < len(parts) else None
        inside = (
            part.role == "sign"
            and part.text != "/"
            and bool(short)
            and short[-1].role == "other"
            and after is not None
            and after.role == "other"
        )
        if short and short[-1].role == "other" and (part.role == "other" or inside):
            short[-1] = Part(short[-1].text + part.text, "other")
        else:
            short.append(part)
    return short
