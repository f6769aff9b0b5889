"""Words of column names in English, Chinese, German and French, and how they are searched for.

Latin words are whole words, written small and without accents; a phrase also fits when its parts
are written as one. Chinese words may stand anywhere in a name.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

# The first line that fits wins: a record number is surer than a plain "id".
PATIENT_WORDS = (
    ("mrn", "patient id", "patient no", "patient nr", "patient number", "patient code", "patientnr",
     "patientennummer", "patienten id", "patient", "pat id", "pat nr", "medical record",
     "record number", "hospital number", "hospital no", "chart no", "ipp", "numero patient",
     "病历号", "病案号", "患者编号", "病人编号", "患者id", "病人id", "登记号"),
    ("subject", "subject id", "participant", "participant id", "study id", "study number",
     "study no", "pid", "urn", "dossier", "fallnummer", "case no", "case id",
     "住院号", "门诊号", "就诊号"),
    ("id", "编号"),
)  # fmt: skip
EYE_ID_WORDS = ("eye id", "eye no", "eye number", "augen id", "眼号", "眼编号")
NAME_WORDS = ("name", "names", "surname", "forename", "firstname", "lastname", "fullname", "nom",
              "prenom", "nachname", "vorname", "姓名", "名字", "initials")  # fmt: skip
# A name of one of these is nobody's.
THING_WORDS = ("file", "image", "scan", "device", "site", "hospital", "clinic", "drug", "lens",
               "iol", "study", "machine", "model", "sheet", "column", "picture",
               "文件", "设备", "医院")  # fmt: skip
PERSON_WORDS: Mapping[str, tuple[str, ...]] = {
    "birth date": ("dob", "birth", "birthday", "birthdate", "date of birth", "geburtsdatum",
                   "geburtstag", "geb", "naissance", "出生", "生日"),
    "address": ("address", "street", "zip", "postcode", "postal", "adresse", "strasse", "plz",
                "wohnort", "地址", "住址", "邮编", "籍贯"),
    "phone or mail": ("phone", "telephone", "tel", "mobile", "telefon", "handy", "email", "mail",
                      "e mail", "portable", "电话", "手机", "联系", "邮箱"),
    "number of a person": ("ssn", "social security", "nhs", "nhs number", "insurance", "passport",
                           "versichertennummer", "krankenkasse", "national id", "身份证", "医保",
                           "证件"),
    "staff": ("surgeon", "doctor", "physician", "operator", "nurse", "examiner", "operateur",
              "chirurg", "arzt", "chirurgien", "医生", "医师", "术者", "护士"),
}  # fmt: skip
LATERALITY_WORDS = ("eye", "laterality", "side", "lat", "operated eye", "study eye", "auge",
                    "seite", "oeil", "œil", "cote", "eyes", "眼别", "眼侧", "左右眼", "侧别",
                    "患眼", "术眼", "眼睛")  # fmt: skip
ACUITY_WORDS = ("va", "bcva", "bscva", "ucva", "cdva", "udva", "ucdva", "dva", "visus", "acuity",
                "visual acuity", "logmar", "etdrs", "snellen", "av", "acuite", "sehscharfe",
                "vision", "视力")  # fmt: skip
UNCORRECTED_WORDS = ("ucva", "udva", "ucdva", "uncorrected", "sc", "裸眼")
PREOP_WORDS = ("pre", "preop", "preoperative", "before", "baseline", "base", "bl",
               "initial", "praop", "praeop", "praoperativ", "vor", "avant", "术前", "基线",
               "入院")  # fmt: skip
POSTOP_WORDS = ("post", "postop", "postoperative", "after", "nach", "apres", "follow up", "fu",
                "followup", "final", "last", "eos", "outcome", "术后", "随访", "复查", "出院",
                "末次", "control", "kontrolle", "controle")  # fmt: skip
DATE_WORDS = ("date", "day", "datum", "tag", "jour", "time", "日期", "时间")
SURGERY_WORDS = ("surgery", "operation", "op", "operated", "operationsdatum", "opdatum", "ops",
                 "procedure", "chirurgie", "phaco", "手术")  # fmt: skip
SCAN_WORDS = ("oct", "scan", "imaging", "image", "acquisition", "aufnahme", "检查", "扫描", "拍摄")
FOLLOWUP_WORDS = ("followup days", "follow up days", "days after surgery", "days since surgery",
                  "days postop", "postop days", "术后天数", "随访天数")  # fmt: skip
VISIT_WORDS = ("visit", "visite", "week", "timepoint", "time point", "month", "session", "termin",
               "zeitpunkt", "besuch", "days since baseline", "days since", "随访", "访视", "就诊",
               "时间点", "次数")  # fmt: skip
DEVICE_WORDS = ("device", "machine", "scanner", "manufacturer", "maker", "oct device", "gerat",
                "appareil", "设备", "机型", "仪器", "厂家", "机器")  # fmt: skip
SITE_WORDS = ("site", "clinic", "hospital", "centre", "center", "klinik", "standort", "hopital",
              "clinique", "中心", "医院", "院区")  # fmt: skip
COMPLICATION_WORDS = ("pcr", "rupture", "complication", "complications", "komplikation",
                      "komplikationen", "vitreous loss", "后囊破裂", "并发症")  # fmt: skip
# Name in the manifest: words, unit.
COVARIATE_WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "age_years": (("age", "alter", "age years", "年龄"), "years"),
    "sex": (("sex", "gender", "geschlecht", "sexe", "性别"), ""),
    "diabetes": (("diabetes", "dm", "diabetic", "diabete", "糖尿病"), ""),
    "axial_length_mm": (("axial", "axial length", "al", "axl", "achsenlange", "眼轴"), "mm"),
}

_GLUE = "preop|postop|pre|post|bcva|ucva|cdva|va|logmar|visus|od|os"
_GLUED = re.compile(f"(?:{_GLUE})+")
_TOKEN = re.compile(r"[a-zœß]+|[0-9]+|[\u3400-\u9fff]+")
_UNIT = "(?:m|mo|mon|months?|w|wk|wks|weeks?|d|days?|y|yrs?|years?|monate?|wochen?|tage?|mois|"
_UNIT += "semaines?|jours?)"
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
    found = []
    for token in _TOKEN.findall(plain):
        parts = re.findall(_GLUE, token) if _GLUED.fullmatch(token) else [token]
        found += parts
    return tuple(found)


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
    pre = mentions(name, PREOP_WORDS)
    post = mentions(name, POSTOP_WORDS) or _DURATION.search(" ".join(tokens(name))) is not None
    return None if pre == post else "preop" if pre else "postop"
