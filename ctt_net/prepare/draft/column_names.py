"""What the name of a column says: its words in English, German, Chinese and some French.

Latin words are whole words, written small and without accents; a phrase also fits when its parts
are written as one. Chinese words may stand anywhere in a name.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from ctt_net.cohort.scan_names import SIDE_WORDS

# The first line that fits wins: a record number is surer than a plain "id".
PATIENT = (
    ("mrn", "patient", "patient id", "patient no", "patient number", "patientnr",
     "patientennummer", "pat id", "pat nr", "medical record", "record number", "hospital number",
     "hospital no", "病历号", "病案号", "患者编号", "病人编号", "患者id", "病人id", "登记号"),
    ("subject", "participant", "study id", "study number", "study no", "pid", "fallnummer",
     "case no", "case id", "住院号", "门诊号", "就诊号"),
    ("id", "编号"),
)  # fmt: skip
EYE_ID = ("eye id", "eye no", "eye number", "眼号", "眼编号")
NAME = ("name", "names", "surname", "forename", "firstname", "lastname", "fullname", "initials",
        "nachname", "vorname", "nom", "prenom", "姓名", "名字")  # fmt: skip
# A name of one of these is nobody's.
THING = ("file", "image", "scan", "device", "site", "hospital", "clinic", "drug", "lens", "iol",
         "study", "machine", "model", "sheet", "column", "picture", "文件", "设备",
         "医院")  # fmt: skip
PERSON = (
    "dob", "birth", "birthday", "birthdate", "geburtsdatum", "geb", "naissance", "出生", "生日",
    "address", "street", "zip", "postcode", "adresse", "strasse", "plz", "wohnort", "地址", "住址",
    "phone", "telephone", "tel", "mobile", "telefon", "handy", "email", "mail", "e mail", "电话",
    "手机", "联系", "邮箱", "ssn", "social security", "nhs", "passport", "national id",
    "versichertennummer", "insurance", "krankenkasse", "身份证", "医保", "证件", "surgeon",
    "doctor", "physician", "operator", "nurse", "examiner", "operateur", "arzt", "医生", "医师",
    "术者", "护士",
)  # fmt: skip
LATERALITY = ("eye", "eyes", "laterality", "side", "operated eye", "study eye", "auge", "seite",
              "oeil", "眼别", "眼侧", "左右眼", "侧别", "患眼", "术眼", "眼睛")  # fmt: skip
ACUITY = ("va", "bcva", "bscva", "ucva", "cdva", "udva", "ucdva", "dva", "visus", "acuity",
          "logmar", "etdrs", "snellen", "av", "acuite", "sehscharfe", "vision", "视力")  # fmt: skip
UNCORRECTED = ("ucva", "udva", "ucdva", "uncorrected", "sc", "裸眼")
PREOP = ("pre", "preop", "preoperative", "before", "baseline", "base", "bl", "initial", "praop",
         "praeop", "praoperativ", "vor", "avant", "术前", "基线", "入院")  # fmt: skip
POSTOP = ("post", "postop", "postoperative", "after", "nach", "apres", "follow up", "fu", "final",
          "last", "outcome", "control", "kontrolle", "controle", "术后", "随访", "复查", "出院",
          "末次")  # fmt: skip
DATE = ("date", "day", "datum", "tag", "jour", "time", "日期", "时间")
SURGERY = ("surgery", "operation", "op", "operated", "operationsdatum", "opdatum", "procedure",
           "phaco", "手术")  # fmt: skip
SCAN = ("oct", "scan", "imaging", "image", "acquisition", "aufnahme", "检查", "扫描", "拍摄")
VISIT = ("visit", "visite", "week", "timepoint", "time point", "month", "session", "termin",
         "zeitpunkt", "days since", "随访", "访视", "就诊", "时间点", "次数")  # fmt: skip
DEVICE = ("device", "machine", "scanner", "manufacturer", "maker", "gerat", "设备", "机型", "仪器",
          "厂家", "机器")  # fmt: skip
# Columns of the manifest that hold their cells as they stand.
PLAIN: Mapping[str, tuple[str, ...]] = {
    "followup_days": ("followup days", "follow up days", "days after surgery", "days postop",
                      "days since surgery", "postop days", "术后天数", "随访天数"),
    "device": DEVICE,
    "site": ("site", "clinic", "hospital", "centre", "center", "klinik", "standort", "中心",
             "医院", "院区"),
}  # fmt: skip
# Name in the manifest: words, unit.
COVARIATES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "age_years": (("age", "alter", "年龄"), "years"),
    "sex": (("sex", "gender", "geschlecht", "sexe", "性别"), ""),
    "diabetes": (("diabetes", "dm", "diabetic", "糖尿病"), ""),
    "axial_length_mm": (("axial", "al", "axl", "achsenlange", "眼轴"), "mm"),
}
NO_PATIENT = (*ACUITY, *DATE, *THING, *LATERALITY, *VISIT, *DEVICE, *EYE_ID,
              *COVARIATES["age_years"][0], *COVARIATES["sex"][0])  # fmt: skip

SIDE_OF = {word: side for side, words in SIDE_WORDS.items() for word in words}
_GLUE = "preop|postop|pre|post|bcva|ucva|cdva|va|logmar|visus|od|os"
_GLUED = re.compile(f"(?:{_GLUE})+")
_TOKEN = re.compile(r"[a-zœß]+|[0-9]+|[\u3400-\u9fff]+")
_UNIT = "(?:m|mo|months?|w|wk|weeks?|d|days?|y|years?|monate?|wochen?|tage?|mois|jours?)"
_DURATION = re.compile(
    rf"\b[0-9]+ {_UNIT}\b|\b(?:m|mo|month|w|wk|week|d|day) [1-9][0-9]*\b|[0-9]+ (?:个?月|周|天|年)"
)


def tokens(name: str) -> tuple[str, ...]:
    """A name as small words without accents.

    >>> tokens("preVA_OD (Monate)"), tokens("Geräte-Nr"), tokens("术前BCVA")
    (('pre', 'va', 'od', 'monate'), ('gerate', 'nr'), ('术前', 'bcva'))
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})", " ", name)
    plain = unicodedata.normalize("NFKD", name).lower()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return tuple(
        part
        for token in _TOKEN.findall(plain)
        for part in (re.findall(_GLUE, token) if _GLUED.fullmatch(token) else [token])
    )


def mentions(name: str, words: Iterable[str]) -> bool:
    """Whether a column's name holds one of the words.

    >>> mentions("PatientID", ["patient id"]), mentions("posterior", ["post"])
    (True, False)
    """
    parts = tokens(name)
    joined = {"".join(parts[i:j]) for i in range(len(parts)) for j in range(i + 1, i + 5)}
    chinese = "".join(part for part in parts if not part.isascii())
    return any(
        word.replace(" ", "") in joined or (not word.isascii() and word in chinese)
        for word in words
    )


def time_of(name: str) -> str | None:
    """`preop` or `postop` where a column's name says one of them.

    >>> time_of("VA 3 months"), time_of("VA before"), time_of("VA")
    ('postop', 'preop', None)
    """
    pre = mentions(name, PREOP)
    post = mentions(name, POSTOP) or _DURATION.search(" ".join(tokens(name))) is not None
    return None if pre == post else "preop" if pre else "postop"


def side_pairs(names: Iterable[str]) -> list[dict[str, str]]:
    """Columns that are the same but for the side: `OD` and `OS` to their names.

    >>> side_pairs(["VA_OD_pre", "VA_OS_pre", "AL OD"])
    [{'OD': 'VA_OD_pre', 'OS': 'VA_OS_pre'}]
    """
    found: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for name in names:
        parts = [p for t in tokens(name) for p in re.split("(右眼|左眼|右|左)", t) if p]
        said = [SIDE_OF[part] for part in parts if part in SIDE_OF]
        if len(said) == 1:
            rest = tuple(part for part in parts if part not in SIDE_OF)
            found.setdefault(rest, {}).setdefault(said[0], []).append(name)
    return [
        {side: columns[0] for side, columns in sorted(sides.items())}
        for sides in found.values()
        if len(sides) == 2 and all(len(columns) == 1 for columns in sides.values())
    ]


def is_personal(name: str) -> bool:
    """Whether a column tells who somebody is, or who treated them.

    >>> is_personal("姓名"), is_personal("Date of birth"), is_personal("File name")
    (True, True, False)
    """
    return mentions(name, PERSON) or (mentions(name, NAME) and not mentions(name, THING))
