"""The base class of our YAML files: fields with types, problems in our words, a JSON Schema.

A section of a file is a subclass of `Schema`; its fields say what may stand there. Everything that
is wrong with a file is reported at once, each with line, key, value and what would be right.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ctt_net.errors import InputError, count_of
from ctt_net.io.yaml_file import as_typed, line_of, read_yaml_mapping, unknown_key

# More lines than this help nobody.
SHOWN = 20

Item = TypeVar("Item")
_SCALAR = {"type": ["string", "number", "boolean"]}
_MUST_BE = {
    **dict.fromkeys(("float_type", "finite_number"), "a number"),
    **dict.fromkeys(("int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    **{"string_type": "text", "bool_type": "true or false", "dict_type": "'key: value' lines"},
    **{"greater_than": "above {gt:g}", "greater_than_equal": "{ge:g} or more"},
    **{"too_short": "at least {min_length} in number", "too_long": "{max_length} in number"},
    **{"less_than": "below {lt:g}", "less_than_equal": "{le:g} or less"},
}


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _InOrder(ModelMetaclass):
    """Lets a constructor take values in the order of the fields, as a dataclass does."""

    def __call__(self, *values: Any, **keys: Any) -> Any:
        names = getattr(self, "model_fields")  # noqa: B009
        return super().__call__(**dict(zip(names, values, strict=False)), **keys)


class Schema(BaseModel, metaclass=_InOrder):
    """A section of a YAML file.

    A key that no field has is refused, `null` means that a key is not given, and numbers are finite
    and never made of text. The class docstring describes the fields, in messages and in the JSON
    Schema.

    >>> class Page(Schema):
    ...     title: Text
    ...     width_mm: float = 210.0
    >>> Page.parse({"title": 7, "width_mm": 100}, "page.yaml")
    Page(title='7', width_mm=100.0)
    >>> Page.parse({"titel": "x"}, "page.yaml")
    Traceback (most recent call last):
    ...
    ctt_net.errors.InputError: page.yaml: unknown key 'titel'; did you mean 'title'?
    """

    # JSON Schemas of what a "before" validator takes besides the keys, such as a plain name.
    other_forms: ClassVar[tuple[dict[str, Any], ...]] = ()

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        allow_inf_nan=False,
        field_title_generator=lambda name, _: name,
    )

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, given: Any) -> Any:
        if isinstance(given, cls):
            return given
        names = list(cls.model_fields)
        if not isinstance(given, Mapping):
            raise schema_error(f"must hold {', '.join(names)}, got {given!r}")
        for key in given:
            if key not in names:
                raise schema_error(
                    unknown_key(str(key), names, given), str(key), code="unknown_key"
                )
        return {key: value for key, value in given.items() if value is not None}

    @classmethod
    def parse(cls, data: Any, where: str, fix: str = "") -> Self:
        """Check what was read.

        Args:
            data: As parsed from YAML; `read_yaml_mapping` keeps the lines.
            where: What to call it in errors, usually the file's path.
            fix: What to do whatever is wrong, for a file that a program writes.

        Raises:
            InputError: Naming every line and key that is wrong, its value and what would be right.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            message = _message(cls, data, error, where)
            raise InputError(f"{message}; {fix}" if fix else message) from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a YAML file.

        Raises:
            InputError: If it cannot be read, or as `parse`.
        """
        return cls.parse(read_yaml_mapping(path), str(path))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and JSON, without what is not given or empty."""
        plain: dict[str, Any] = _without_empty(self.model_dump(mode="json"))
        return plain

    @classmethod
    def description_of(cls, name: str) -> str:
        """What the class docstring says of a field."""
        text = "\n\n".join(kind.__doc__ or "" for kind in cls.__mro__)
        found = re.search(rf"^ *{name}: (.*?)(?=^ *\w+: |^ *$|\Z)", text, re.M | re.S)
        return " ".join(found[1].split()) if found else ""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        made = handler.resolve_ref_schema(handler(schema))
        made["description"] = (cls.__doc__ or "").partition("\n")[0]
        for name, facts in made.get("properties", {}).items():
            facts.pop("title", None)
            facts.setdefault("description", cls.description_of(name))
        if cls.other_forms:
            keys = dict(made)
            made.clear()
            made["anyOf"] = [*cls.other_forms, keys]
        return made


def _without_empty(data: Any) -> Any:
    if isinstance(data, dict):
        parts = {key: _without_empty(part) for key, part in data.items()}
        return {key: part for key, part in parts.items() if part not in (None, [], {})}
    return data


class Choice:
    """Annotation of a field that takes one of some words.

    Args:
        words: All there are.

    >>> Side = Annotated[str, Choice(("OD", "OS"))]
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.literal_schema(self.words)


class Record:
    """Annotation of a field that holds a dataclass: a file gives it as a mapping."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = dict(handler.resolve_ref_schema(handler(source)))
        schema.pop("ref", None)
        return {**schema, "strict": False}


def schema_error(message: str, *at: str, code: str = "wrong") -> PydanticCustomError:
    """What a validator raises.

    Args:
        message: What is wrong and what would be right, to follow the key: `must be ..., got ...`.
        at: Keys below that of the validator, where it is about one of them.
        code: What kind of problem it is.
    """
    # In a context of its own: braces in what a person typed are no places to fill.
    return PydanticCustomError(code, "{message}", {"message": message, "at": at})


def _text(value: Any) -> str:
    if not isinstance(value, str | int | float) or not as_typed(value).strip():
        raise schema_error(f"must be text, got {value!r}")
    return as_typed(value).strip()


def _flag(value: Any) -> bool:
    word = as_typed(value).lower() if isinstance(value, str | bool) else ""
    flag = {"true": True, "yes": True, "false": False, "no": False}.get(word)
    if flag is None:
        raise schema_error(f"must be true or false, got {value!r}")
    return flag


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        # A pattern such as {patient_id}.png would be a mapping to YAML.
        quoted = isinstance(value, str) and not re.fullmatch(r"[\w .+-]*", value)
        shown = json.dumps(value, ensure_ascii=False) if quoted else value
        raise schema_error(f"must be a list such as [{shown}], got {value!r}")
    for word in value:
        if not isinstance(word, str | int | float):
            raise schema_error(f": put quotes around each text, YAML reads one as {word!r}")
    return tuple(as_typed(word).strip() for word in value)


def _bounds(value: Any) -> tuple[float, float]:
    numbers = isinstance(value, list | tuple) and [
        float(end) for end in value if isinstance(end, int | float) and not isinstance(end, bool)
    ]
    if not numbers or len(numbers) != 2 or len(value) != 2 or not all(map(math.isfinite, numbers)):
        raise schema_error(f"must be two numbers such as [14, 120], got {value!r}")
    if numbers[0] > numbers[1]:
        raise InputError(f"{numbers[0]:g} is above {numbers[1]:g}; exchange them")
    return numbers[0], numbers[1]


Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(_SCALAR)]
"""A text, word or number as it was typed; never blank."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false`, also as YAML 1.1 spells them."""

Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    WithJsonSchema({"type": "array", "items": _SCALAR}),
]
"""A list of texts or numbers, as they were typed."""

Bounds = Annotated[tuple[float, float], BeforeValidator(_bounds)]
"""The lowest and the highest of something."""

Items = Annotated[tuple[Item, ...], Strict(False)]
"""A list, each item of one type."""


def json_schema(schema: type[Schema]) -> str:
    """The JSON Schema of a file, by which an editor completes and checks it."""
    made = schema.model_json_schema()
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**dialect, **made}, indent=2, ensure_ascii=False) + "\n"


def _message(schema: type[Schema], data: Any, error: ValidationError, where: str) -> str:
    """All that is wrong, in the order of the file."""
    found: dict[str, tuple[int, str]] = {}  # of the members of a union only the first
    problems = error.errors(include_url=False)
    around = {part["loc"][:end] for part in problems for end in range(len(part["loc"]))}
    for problem in problems:
        if problem["loc"] in around:
            continue  # reported for the parts
        place, kind, context = problem["loc"], problem["type"], problem.get("ctx", {})
        below = context.get("at", ())
        line = line_of(data, place[:-1] if kind == "missing" else (*place, *below))
        key = _key(data, place if kind == "unknown_key" else (*place, *below), kind)
        if kind == "missing":
            what = _description(schema, place)
            text = f"is missing{what and f'; {what[0].lower()}{what[1:]}'}"
        elif kind == "value_error":
            text = f": {context['error']}"
        elif kind == "literal_error":
            choices = context["expected"].replace("'", "")
            text = f"must be one of {choices}; got {problem['input']!r}"
        elif kind in _MUST_BE:
            text = f"must be {_MUST_BE[kind].format(**context)}, got {problem['input']!r}"
        else:
            text = problem["msg"] if kind == "wrong" else f": {problem['msg']}"
        message = f"{key}{'' if text[0] == ':' else ' '}{text}"
        found.setdefault(key, (line or 0, message.removeprefix(": ").strip()))
    lines = [(f"line {line}" if line else "", message) for line, message in sorted(found.values())]
    if len(lines) == 1:
        [(at, message)] = lines
        return f"{where}{at and f', {at}'}: {message}"
    shown = [f"  {at}{at and ': '}{message}" for at, message in lines[:SHOWN]]
    more = [f"  ... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([f"{where}: {count_of(len(lines), 'problem')}", *shown, *more])


def _key(data: Any, place: Sequence[str | int], kind: str) -> str:
    """The key in words such as `views.h.angle_deg` or `exclude[2]`, without members of a union."""
    words = ""
    for position, key in enumerate(place):
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            if kind != "missing" or position < len(place) - 1:
                break
        words += f"[{key + 1}]" if isinstance(key, int) else f".{key}"
    return words.removeprefix(".")


def _description(schema: type[Schema], place: Sequence[str | int]) -> str:
    """What the section says of the field at a place."""
    sections, text = [schema], ""
    for key in place:
        for section in sections:
            if key in section.model_fields:
                text = section.description_of(str(key))
                sections = _sections(section.model_fields[str(key)].annotation)
                break
    return text


def _sections(annotation: Any) -> list[type[Schema]]:
    """The schemas that an annotation such as `dict[str, View] | None` holds."""
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
