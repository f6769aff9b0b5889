"""All text of the patient's page, in every language it is written in: one file per language.

Notes that deeper modules write in English are translated by their code, or by the sentence itself.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal, get_args

from markupsafe import Markup

from ctt_net.errors import InputError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def texts(language: Language) -> Mapping[str, str]:
    """The catalogue of a language; read at first use, as it names what deeper modules say."""
    return import_module(f"ctt_net.inference.words.{language}").TEXTS


class Words:
    """Texts of one language.

    Args:
        language: One of `LANGUAGES`.

    Raises:
        InputError: If there is no such language.

    Example:
        >>> Words("en")("frequency", n=83)
        'about 83 of 100 such eyes'
        >>> Words("zh").list(["年龄", "性别"])
        '年龄、性别'
    """

    def __init__(self, language: Language) -> None:
        if language not in LANGUAGES:
            raise InputError(f"no language {language!r}; choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self._texts, self._english = texts(language), texts("en")

    def __call__(self, key: str, **values: Any) -> str:
        """One text, its places filled; what is filled into a text of HTML is escaped."""
        text = self._texts.get(key) or self._english[key]
        if any(isinstance(value, Markup) for value in values.values()):
            return Markup(text).format(**values)
        return text.format(**values) if values else text

    def known(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in self._texts

    def note(self, code: str, english: str) -> str:
        """A note of the reader of scans."""
        if self.language == "en":
            return english
        from ctt_net.inference.words.notes_zh import NOTES

        return NOTES.get(code, english)

    def name(self, kind: str, word: str) -> str:
        """A name that the catalogue may have, such as of a view; else as it is."""
        return self._texts.get(f"{kind}.{word}", word.replace("_", " "))

    def list(self, parts: Sequence[str]) -> str:
        """Parts of a list as the language writes them."""
        return self("list.comma").join(parts)

    def sentence(self, english: str) -> str:
        """A sentence that a deeper module wrote in English; itself where none is known."""
        if self.language == "en":
            return english
        for pattern, translated in _patterns():
            found = pattern.fullmatch(english)
            if found:
                return translated.format(*found.groups())
        return english


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Sentences of `notes_zh`, whose places stand for anything."""
    from ctt_net.inference.words.notes_zh import SENTENCES

    return [
        (re.compile("(.+?)".join(map(re.escape, re.split(r"\{\}", english)))), translated)
        for english, translated in SENTENCES.items()
    ]
