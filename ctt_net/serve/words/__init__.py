"""All text of the web page, in every language it is written in: one file per language.

Messages about wrong input are English, as everywhere in ctt-net.
"""

from collections.abc import Mapping
from importlib import import_module

LANGUAGES = ("en", "zh")


def texts(language: str) -> Mapping[str, str]:
    """The catalogue of a language.

    >>> texts("zh")["predict"]
    '预测'
    """
    catalogue: Mapping[str, str] = import_module(f"ctt_net.serve.words.{language}").TEXTS
    return catalogue


def accepted_language(header: str) -> str:
    """The first language of `Accept-Language` that the page is written in; else English.

    >>> accepted_language("fr, zh-CN;q=0.9, en;q=0.8"), accepted_language("")
    ('zh', 'en')
    """
    for one in header.split(","):
        language = one.partition(";")[0].strip().lower().partition("-")[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
