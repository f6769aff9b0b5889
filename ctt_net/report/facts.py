"""Facts beside the figures, and `report.json`, which keeps them for re-rendering."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctt_net.errors import InputError
from ctt_net.io.read_text import parse_json, read_text
from ctt_net.outcome import DEFAULT_OUTCOMES, Outcome
from ctt_net.report.drawing import figure_files

FACTS_FILE = "report.json"
VERSION = 1


@dataclass(frozen=True)
class Facts:
    """What a report says beside its figures.

    Args:
        title: Heading.
        cohort: Facts on the eyes, name to value.
        model: Facts on the model, name to value.
        synthetic: Whether the eyes are simulated.
        outcomes: Recovery outcomes.
        flow: How rows became eyes: header and steps, or nothing.
    """

    title: str
    cohort: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False
    outcomes: tuple[Outcome, ...] = ()
    flow: tuple[tuple[str, ...], ...] = ()

    def as_text(self, figures: Sequence[str]) -> str:
        """Contents of `report.json`; `figures` are the names of those in `figures/`."""
        content = {
            "version": VERSION,
            "title": self.title,
            "synthetic": self.synthetic,
            "cohort": {str(name): str(value) for name, value in self.cohort.items()},
            "model": {str(name): str(value) for name, value in self.model.items()},
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
            "flow": [list(step) for step in self.flow],
            "figures": list(figures),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def read_facts(folder: Path, metrics: Mapping[str, Any]) -> Facts:
    """Facts of an earlier report; what older versions did not keep is left blank.

    Args:
        folder: Run, or `--out` of an evaluation.
        metrics: Its metrics.json; names the outcomes where nothing else does.

    Raises:
        InputError: If the file is not a `report.json`.
    """
    path = folder / FACTS_FILE
    if not path.is_file():
        # The default names have one meaning; others were defined by their model.
        known = tuple(one for one in DEFAULT_OUTCOMES if one.name in metrics["recovery"])
        # The lowest achievable error is known of simulated eyes only.
        title, simulated = folder.resolve().name, "oracle" in metrics
        return Facts(title=title, outcomes=known, synthetic=simulated)
    try:
        content = parse_json(read_text(path))
        return Facts(
            title=str(content["title"]),
            cohort=dict(content["cohort"]),
            model=dict(content["model"]),
            synthetic=bool(content["synthetic"]),
            outcomes=tuple(Outcome.from_dict(one) for one in content["outcomes"]),
            flow=tuple(tuple(map(str, step)) for step in content["flow"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a report.json of ctt-net ({error}); remove it, and the report is written "
            "without it"
        ) from None


def stale_figures(out: Path) -> list[str]:
    """Names of the files in `figures/` that an earlier report put there; none if there was none."""
    try:
        names = json.loads((out / FACTS_FILE).read_text(encoding="utf-8"))["figures"]
        return [file for name in names for file in figure_files(str(name))]
    except (OSError, ValueError, KeyError, TypeError):
        return []
