"""What the columns of a table were found to mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctt_net.prepare.draft.guess_acuity import AcuityEvidence
from ctt_net.prepare.draft.guess_dates import DateGuess
from ctt_net.prepare.draft.guess_facts import Facts
from ctt_net.prepare.draft.guess_sides import SideGuess


@dataclass(frozen=True)
class Source:
    """A column of the table, or the pair of columns for either eye.

    Args:
        name: Of the column, of the right eye's in a pair.
        sides: Column for `OD` and `OS`, empty for a single column.
        facts: Of all its cells.
    """

    name: str
    facts: Facts
    sides: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.sides.values()) or (self.name,)

    def rule(self) -> dict[str, str]:
        """The beginning of its rule in a mapping."""
        return dict(self.sides) or {"column": self.name}


@dataclass(frozen=True)
class Pick:
    """What was found for one meaning: one source, or several a person has to choose from."""

    candidates: tuple[Source, ...] = ()
    sure: bool = True
    note: str = ""

    @property
    def chosen(self) -> Source | None:
        """The one source, if it is beyond doubt."""
        return self.candidates[0] if len(self.candidates) == 1 and self.sure else None


@dataclass
class Roles:
    """Every meaning that was found in a table.

    Args:
        shape: What a row is: eye, patient or visit.
        patient: The column that tells persons apart.
        side_column: The one that says the eye.
        sides: How it does.
        side_candidates: Columns that all could, if there are several.
        visit: The one that tells visits apart.
        acuities: `preop_va` and `postop_va`.
        evidence: Name of a source of acuities to what its cells say.
        off_chart: VA column to the column of its off-chart words.
        dates: Date column of the manifest to its column.
        formats: Name of a source of dates to its formats.
        plain: Other columns of the manifest.
        covariates: By the name they get.
        people: Column to what of a person it tells.
        others: Columns without a meaning.
        repeats: Rows that repeat the patient and the side of a row above.
    """

    shape: str = "eye"
    patient: Pick = field(default_factory=Pick)
    side_column: Source | None = None
    sides: SideGuess | None = None
    side_candidates: tuple[Source, ...] = ()
    visit: Pick = field(default_factory=Pick)
    acuities: dict[str, Pick] = field(default_factory=dict)
    evidence: dict[str, AcuityEvidence] = field(default_factory=dict)
    off_chart: dict[str, Source] = field(default_factory=dict)
    dates: dict[str, Pick] = field(default_factory=dict)
    formats: dict[str, DateGuess] = field(default_factory=dict)
    plain: dict[str, Source] = field(default_factory=dict)
    covariates: dict[str, Source] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    others: list[Source] = field(default_factory=list)
    repeats: int = 0
