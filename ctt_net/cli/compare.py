"""`ctt-net compare`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command
from ctt_net.errors import InputError

# They say where a run lies and how it was started, not what it is.
NOT_COMPARED = ("out", "resume", "config")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "compare",
        "compare runs or evaluations on the eyes they share",
        run,
        [
            "ctt-net compare runs/ctt_net runs/mean",
            "ctt-net compare runs/ctt_net/held_out runs/mean/held_out --out out/compared",
        ],
    )
    parser.add_argument(
        "evaluations",
        type=Path,
        nargs="+",
        metavar="RUN_OR_EVALUATION",
        help="run folders or --out of evaluate; each is compared with the first",
    )
    parser.add_argument(
        "--out", type=Path, help="also write a page with tables and figures to this folder"
    )


def run(options: argparse.Namespace) -> int:
    """Print errors, config keys that differ and a verdict; write the page if asked."""
    from rich.console import Console
    from rich.table import Table

    from ctt_net.io.atomic_write import check_writable
    from ctt_net.metrics.bootstrap import interval_key
    from ctt_net.report.compare import compare_verdicts, names_of, write_comparison
    from ctt_net.report.comparison import span_text
    from ctt_net.report.rerender import read_evaluated

    if len(options.evaluations) < 2:
        raise InputError("compare needs two folders or more; each is compared with the first")
    if options.out is not None:
        check_writable(options.out, "config.yaml")
    every = [read_evaluated(folder) for folder in options.evaluations]
    differences = config_differences(options.evaluations)
    verdicts = compare_verdicts(every)
    page = None if options.out is None else write_comparison(every, options.out, differences)
    names = names_of(options.evaluations)
    console = Console(highlight=False, markup=False)
    errors = Table("", "eyes", "mean absolute error, logMAR")
    for name, one in zip(names, every, strict=True):
        mae = one.metrics["regression"]["mae"]
        span = span_text(*mae[interval_key(one.metrics["settings"]["level"])])
        errors.add_row(name, f"{one.metrics['n_eyes']:,}", f"{mae['value']:.3f} ({span})")
    console.print(errors)
    if differences:
        keys = Table("config key", *names)
        for key, values in differences.items():
            keys.add_row(key, *values)
        console.print(keys)
    elif all((folder / "config.yaml").is_file() for folder in options.evaluations):
        console.print("config: identical")
    for sentence in verdicts:
        console.print(sentence, soft_wrap=True)
    if page is not None:
        console.print(f"report: {page}", soft_wrap=True)
    console.print(INTENDED_USE, style="dim")
    return DONE


def config_differences(folders: Sequence[Path]) -> dict[str, list[str]]:
    """Config keys that runs differ in, with the value in each; none where a folder has no config.

    Args:
        folders: Run folders, or what an evaluation wrote, which has no `config.yaml`.

    Raises:
        InputError: If a config cannot be read.
    """
    from ctt_net.io.yaml_file import read_yaml_mapping

    files = [folder / "config.yaml" for folder in folders]
    if not all(file.is_file() for file in files):
        return {}
    every = [_flat(read_yaml_mapping(file)) for file in files]
    keys = dict.fromkeys(key for one in every for key in one if key not in NOT_COMPARED)
    values = {key: [str(one.get(key, "\N{EN DASH}")) for one in every] for key in keys}
    return {key: of_each for key, of_each in values.items() if len(set(of_each)) > 1}


def _flat(settings: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """Nested settings by dotted keys."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        inner = f"{key}.{name}".strip(".")
        flat |= _flat(value, inner) if isinstance(value, Mapping) else {inner: value}
    return flat
