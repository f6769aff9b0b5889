"""The files and keys of a configuration: checked before torch is loaded, named in errors after.

The known keys are read from the source of the constructors that they configure, since importing
those takes half a minute on a busy machine.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args, get_type_hints

import ctt_net
from ctt_net.errors import InputError
from ctt_net.io.renamed import current, current_arguments
from ctt_net.io.yaml_file import read_yaml_mapping

COMMON = (
    "config",
    "print_config",
    "print_shtab",
    "seed_everything",
    "out",
    "resume",
    "scan_size_of_backbone",
)
_RUN = ("folds", "report", "launcher", "jobs", "launcher_options")
_SECTIONS = {
    "train": (("training/module.py", "AcuityModule", ()), ("data/module.py", "EyeDataModule", ())),
    "pretrain": (
        (
            "training/module.py",
            "AcuityModule",
            ("head", "outcomes", "start_from", "clinical_start", "deep_supervision"),
        ),
        ("data/module.py", "EyeDataModule", ("fold", "n_folds", "fold_seed")),
    ),
}
_ENOUGH_NAMES = 12
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}

Flags = list[tuple[str, str]]


@cache
def known_keys(program: str) -> frozenset[str]:
    """Keys of the first two levels, such as `resume` and `model.fusion`.

    Args:
        program: `train` or `pretrain`.
    """
    keys = {*COMMON, *(_RUN if program == "train" else ())}
    for section, (file, name, without) in zip(("model", "data"), _SECTIONS[program], strict=True):
        found = _arguments(Path(ctt_net.__file__).parent / file, name)
        keys |= {section, *(f"{section}.{key}" for key in found if key not in without)}
    lightning = find_spec("pytorch_lightning")
    if lightning is None or lightning.origin is None:
        raise ModuleNotFoundError(name="pytorch_lightning")
    found = _arguments(Path(lightning.origin).parent / "trainer/trainer.py", "Trainer")
    return frozenset({*keys, "trainer", *(f"trainer.{key}" for key in found)})


def _arguments(path: Path, name: str) -> list[str]:
    """Arguments of a constructor, from its source."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == name:
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    given = [*method.args.args, *method.args.kwonlyargs]
                    return [argument.arg for argument in given if argument.arg != "self"]
    raise LookupError(f"{path} has no class {name} with a constructor")


def config_file(name: str) -> str:
    """The file of a configuration: a path, or the name of one that comes with the package.

    Args:
        name: Such as `mine.yaml`, `ctt_net`, `ablations/mean` or `configs/ctt_net.yaml`.

    Raises:
        InputError: If there is neither such a file nor such a name.

    Example:
        >>> Path(config_file("ablations/mean")).name
        'mean.yaml'
    """
    if Path(name).is_file():
        return name
    package = Path(ctt_net.__file__).parent
    # In the package where it was installed from a wheel, beside it in a checkout.
    folder = next(one for one in (package / "configs", package.parent / "configs") if one.is_dir())
    files = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.rglob("*.yaml"))
    }
    wanted = name.removeprefix("configs/").removesuffix(".yaml")
    if wanted not in files:
        close = get_close_matches(wanted, files, n=2)
        hint = f"did you mean {' or '.join(close)}?" if close else f"these: {', '.join(files)}"
        raise InputError(f"config {name}: no such file, and no config of ctt-net; {hint}")
    return str(files[wanted])


def as_arguments(settings: Mapping[str, Any], key: str = "") -> list[str]:
    """A nested mapping as the command line of a training.

    Args:
        settings: As in a configuration file; a part is named by its class or by `class_path`.
        key: Of the mapping itself.

    Example:
        >>> as_arguments({"model": {"fusion": "MeanFusion"}, "folds": [1], "resume": False})
        ['--model.fusion=MeanFusion', '--folds=[1]', '--resume=false']
    """
    arguments = []
    for name, value in settings.items():
        inner = f"{key}.{name}".strip(".").removesuffix(".class_path")
        if isinstance(value, Mapping):
            arguments += as_arguments(value, inner)
        elif isinstance(value, str | Path):
            arguments.append(f"--{inner}={value}")
        else:
            # Numbers of numpy are turned into those of Python.
            text = json.dumps(value, default=lambda one: one.item(), ensure_ascii=False)
            arguments.append(f"--{inner}={text}")
    return arguments


def checked_arguments(program: str, arguments: Sequence[str]) -> list[str]:
    """The command line with configurations as files, after keys, files and cohort were checked.

    Args:
        program: `train` or `pretrain`.
        arguments: Command line after it.

    Raises:
        InputError: If a key, a file or the cohort is wrong.
    """
    named = [
        (name, config_file(value) if name == "config" else value)
        for name, value in _flags(arguments)
    ]
    checked = [
        f"--{name}" if name == "print_config" and not value else f"--{name}={value}"
        for name, value in named
    ]
    check_arguments(program, checked)
    if not any(name == "print_config" for name, _ in named):
        from ctt_net.cohort import read_cohort  # pandas, which nothing before this needs

        read_cohort(cohort_folder(program, named))
    return checked


def check_arguments(program: str, arguments: Sequence[str]) -> Flags:
    """Check names of flags, files and the keys of their first two levels.

    Args:
        program: `train` or `pretrain`.
        arguments: Command line after it.

    Returns:
        Every flag with its value.

    Raises:
        InputError: If a flag or key is unknown, a value is missing, or a file cannot be read.
    """
    flags = list(_flags(arguments))
    known = known_keys(program)
    for name, value in flags:
        _check_known(name.rstrip("+"), known, "--", "")
        if name == "config":
            content = current(read_yaml_mapping(Path(value)))
            inner = {
                f"{section}.{key}"
                for section in ("model", "data", "trainer")
                if isinstance(content.get(section), Mapping)
                for key in content[section]
            }
            for key in (*map(str, content), *sorted(inner)):
                _check_known(key, known, "", f"{value}: ")
    return flags


def cohort_folder(program: str, flags: Flags) -> str:
    """The cohort folder that a training will read.

    Args:
        program: `train` or `pretrain`.
        flags: As `check_arguments` gives them.

    Raises:
        InputError: If none is given, or no network.
    """
    if not any(name == "config" or name.startswith("model") for name, _ in flags):
        raise InputError(
            f"{program} needs a configuration and a cohort: ctt-net {program} --config configs/"
            f"{'ctt_net' if program == 'train' else 'pretrain/synthetic'}.yaml --data.cohort FOLDER"
        )
    folder = None
    for name, value in flags:
        if name == "data.cohort":
            folder = value
        elif name == "config":
            folder = (read_yaml_mapping(Path(value)).get("data") or {}).get("cohort", folder)
    if not folder:
        raise InputError(f"{program} needs a cohort: give --data.cohort FOLDER")
    return str(folder)


def _flags(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    rest = current_arguments(list(arguments))
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            raise InputError(f"{word!r} stands alone; write options as --key value")
        name, equals, value = word[2:].partition("=")
        if not equals and name != "print_config":
            if not rest or rest[0].startswith("--"):
                raise InputError(f"--{name} needs a value")
            value = rest.pop(0)
        yield name, value


def _check_known(key: str, known: Iterable[str], dashes: str, where: str) -> None:
    """Refuse a key whose first two levels are unknown, with the likely ones."""
    first_two = ".".join(key.split(".")[:2])
    top = key.split(".")[0]
    if first_two in known or (top in known and "." not in key):
        return
    if top in known and top not in ("model", "data", "trainer"):
        raise InputError(f"{where}{dashes}{key}: {top} has no keys below it")
    raise InputError(f"{where}unknown key {dashes}{key}; {_hint(first_two, known, dashes)}")


def _hint(word: str, known: Iterable[str], dashes: str = "") -> str:
    """The likely spelling, by whole key or by its last part; else what is known."""
    names = sorted(known)
    close = get_close_matches(word, names, n=1, cutoff=0.8)
    if not close:
        by_last = {name.rsplit(".", 1)[-1]: name for name in names}
        likely = get_close_matches(word.rsplit(".", 1)[-1], by_last, n=2)
        top = word.split(".")[0]
        if not likely and top not in by_last:
            likely = get_close_matches(top, by_last, n=1, cutoff=0.7)
        close = [by_last[last] for last in likely]
    if close:
        return f"did you mean {' or '.join(dashes + name for name in close)}?"
    if len(names) <= _ENOUGH_NAMES:
        return f"known: {', '.join(names)}"
    return "--help-all lists all keys"


def explain(
    error: Exception, flags: Flags, classes: Mapping[str, type], keys: Iterable[str]
) -> str:
    """What a parser refuses, in a line: where it stands, what it is, and what would be right.

    Args:
        error: Of the parser.
        flags: As `check_arguments` gives them.
        classes: What each section of the configuration constructs.
        keys: Known to the parser.
    """
    text = str(error)
    unknown = re.search(r"Group '(\S+)' does not accept option '(\S+)'", text)
    if unknown or (unknown := re.search(r"(un)recognized arguments: --([^\s=]+)", text)):
        key = unknown[2] if unknown[1] == "un" else f"{unknown[1]}.{unknown[2]}"
        return f"{_place(key, '', flags)}: unknown key; {_hint(key, keys)}"
    named = re.search(r'Parser key "([^"]+)"', text)
    if named is None:
        return f"config: {first_words(error)}"
    key = named[1]
    option = re.search(r"given class_path '([^']+)':\s*Option '([^']+)' is not accepted", text)
    if option:
        module, _, name = option[1].rpartition(".")
        known = _parameters(getattr(import_module(module), name))
        where = _place(key, option[2], flags)
        return f"{where}: {name} has no option {option[2]!r}; {_hint(option[2], known)}"
    path = re.search(r"dot import path string: (\S+)|Import path (\S+) does not corr", text)
    names = set(_subclasses(key, classes))
    if path and names:
        given = path[1] or path[2]
        return f"{_place(key, given, flags)}: no class {given!r} fits here; {_hint(given, names)}"
    got = re.search(r"Given value: (.*)|Got value: (.*)", text)
    value = next(filter(None, got.groups()), "") if got else ""
    where = _place(key, value, flags)
    choices = re.findall(r"Literal\[(.*?)\]", text)
    if choices:
        words = dict.fromkeys(re.findall(r"'([^']+)'", ",".join(choices)))
        return f"{where}: must be one of {', '.join(words)}; got {value!r}"
    kinds = [
        _KINDS[kind] for kind in re.findall(r"Expected a <class '(\w+)'>", text) if kind in _KINDS
    ]
    if kinds:
        return f"{where}: must be {' or '.join(dict.fromkeys(kinds))}, got {value!r}"
    return f"{where}: {first_words(error).removeprefix(named[0]).lstrip(': ')}"


def _place(key: str, word: str, flags: Flags) -> str:
    """Flag or file that set a key last to something that holds a word."""
    place = key
    for name, value in flags:
        if name == "config":
            content: Any = current(read_yaml_mapping(Path(value)))
            for part in key.split("."):
                content = content.get(part) if isinstance(content, Mapping) else None
            if content is not None and word in str(content):
                place = f"{value}: {key}"
        elif (name == key or name.startswith(f"{key}.")) and word in f"{name} {value}":
            place = f"--{name}"
    return place


def _parameters(constructed: type) -> set[str]:
    """Arguments of a class, and of those that it hands its keywords on to."""
    return {
        name
        for one in constructed.__mro__
        if "__init__" in vars(one) and one is not object
        for name, parameter in inspect.signature(vars(one)["__init__"]).parameters.items()
        if name != "self"
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    }


def _subclasses(key: str, classes: Mapping[str, type]) -> Iterator[str]:
    """Names of the classes that a key takes."""
    section, _, name = key.partition(".")
    waiting = (
        [get_type_hints(vars(classes[section])["__init__"]).get(name)] if section in classes else []
    )
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if inspect.isclass(one) and one is not type(None) and not get_args(one):
            ours = one.__module__.startswith(("ctt_net.", "pytorch_lightning."))
            if ours and not inspect.isabstract(one) and not one.__name__.startswith("_"):
                yield one.__name__
            waiting += one.__subclasses__() if ours else []


def first_words(error: Exception) -> str:
    """The key and what is wrong with it; a parser's own view of its types helps nobody."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    noise = ("Does not validate", "Subtypes:", "Errors:", "Expected a <class 'NoneType'>", "Given ")
    kept = [line for line in lines if not line.startswith(noise)]
    return " ".join(kept or lines or [type(error).__name__])[:400]
