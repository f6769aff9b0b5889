"""All text of the web page, in every language it is written in: one file per language.

Messages about wrong input are English, as everywhere in ctt-net.
"""

from collections.abc import Mapping
from importlib import import_module

from ctt_net.inference.words import LANGUAGES, Language
from ctt_net.inference.words import texts as texts_of_report


def texts(language: Language) -> Mapping[str, str]:
    """The catalogue of a language, above that of the patient's page.

    >>> texts("zh")["predict"], texts("zh")["OD"]
    ('预测', '右眼 (OD)')
    """
    own: Mapping[str, str] = import_module(f"ctt_net.serve.words.{language}").TEXTS
    return {**texts_of_report(language), **own}


def accepted_language(header: str) -> Language:
    """The first language of `Accept-Language` that the page is written in; else English.

    >>> accepted_language("fr, zh-CN;q=0.9, en;q=0.8"), accepted_language("")
    ('zh', 'en')
    """
    for one in header.split(","):
        language = one.partition(";")[0].strip().lower().partition("-")[0]
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]
