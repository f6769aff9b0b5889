"""What `cohort.yaml` declares: where a cohort comes from and how its columns are to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ctt_net.acuity import NOTATIONS, OFF_CHART_POLICIES
from ctt_net.errors import InputError
from ctt_net.yaml_file import refuse_unknown_keys

Direction = Literal["horizontal", "vertical", "oblique"]
CovariateKind = Literal["numeric", "binary", "categorical"]

VA_COLUMNS = ("preop_va", "postop_va")


@dataclass(frozen=True)
class View:
    """One scan position, present once per eye at most; its name is the manifest column.

    Args:
        direction: `horizontal` scans of left eyes are mirrored to the right eye's orientation;
            `vertical` ones have no nasal side and are not.
        angle_deg: Angle to the horizontal meridian, degrees.
    """

    direction: Direction = "horizontal"
    angle_deg: float = 0.0


@dataclass(frozen=True)
class Covariate:
    """One clinical column beside the acuities.

    Args:
        kind: `numeric`, `binary` (0/1) or `categorical`.
        unit: Unit of a numeric column, such as `years`.
        levels: Values a categorical column may take.
        missing: Sentinels that mean unknown, as written in the file (`-9`); empty always does.
    """

    kind: CovariateKind = "numeric"
    unit: str | None = None
    levels: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class CohortSpec:
    """Contents of `cohort.yaml`.

    Args:
        name: Short name.
        source: Where the eyes come from.
        licence: Terms of use.
        citation: What to cite.
        synthetic: Simulated eyes; reports then say so.
        notation: VA notation of `preop_va` and of `postop_va`; never guessed.
        off_chart_policy: What counting fingers and less count as (see `ctt_net.acuity`).
        expect_improvement: Most eyes see better after surgery. Where that is truly not so, `false`
            switches the inverted-unit alarm off.
        views: View name (= manifest column) to its geometry, in the order the network sees them.
        covariates: Manifest column to its kind.
        devices: Device name to facts such as `axial_um_per_px`.
    """

    name: str
    source: str
    licence: str
    citation: str
    notation: Mapping[str, str]
    views: Mapping[str, View]
    synthetic: bool = False
    off_chart_policy: str = "bach"
    expect_improvement: bool = True
    covariates: Mapping[str, Covariate] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain mapping in the layout of `cohort.yaml`."""
        return {
            "name": self.name,
            "source": self.source,
            "licence": self.licence,
            "citation": self.citation,
            "synthetic": self.synthetic,
            "acuity": {
                **self.notation,
                "off_chart_policy": self.off_chart_policy,
                "expect_improvement": self.expect_improvement,
            },
            "views": {
                name: {"direction": view.direction, "angle_deg": view.angle_deg}
                for name, view in self.views.items()
            },
            "covariates": {
                name: {
                    "kind": covariate.kind,
                    **({"unit": covariate.unit} if covariate.unit else {}),
                    **({"levels": list(covariate.levels)} if covariate.levels else {}),
                    **({"missing": list(covariate.missing)} if covariate.missing else {}),
                }
                for name, covariate in self.covariates.items()
            },
            "devices": {name: dict(facts) for name, facts in self.devices.items()},
        }

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], where: str) -> "CohortSpec":
        """Check and build.

        Args:
            mapping: Parsed `cohort.yaml`.
            where: What to call it in errors.

        Raises:
            InputError: Naming file, key, value and cure.
        """
        texts = ("name", "source", "licence", "citation")
        known = (*texts, "synthetic", "acuity", "views", "covariates", "devices")
        refuse_unknown_keys(mapping, known, where)
        for key in texts:
            if not isinstance(mapping.get(key), str) or not mapping[key].strip():
                raise InputError(f"{where}: key {key!r} is missing; give it as text")
        acuity = _section(mapping, "acuity", where)
        return cls(
            **{key: mapping[key] for key in texts},
            synthetic=_flag(mapping, "synthetic", False, where),
            notation=_notation(acuity, where),
            off_chart_policy=_choice(
                acuity.get("off_chart_policy", "bach"),
                OFF_CHART_POLICIES,
                f"{where}: acuity.off_chart_policy",
            ),
            expect_improvement=_flag(acuity, "expect_improvement", True, where),
            views=_views(_section(mapping, "views", where), where),
            covariates=_covariates(_section(mapping, "covariates", where), where),
            devices=_devices(_section(mapping, "devices", where), where),
        )


def _section(mapping: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    section = mapping.get(key) or {}
    if not isinstance(section, Mapping):
        raise InputError(f"{where}: {key!r} must hold 'key: value' lines, got {section!r}")
    return section


def _flag(mapping: Mapping[str, Any], key: str, default: bool, where: str) -> bool:
    value = mapping.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key!r} must be true or false, got {value!r}")
    return value


def _choice(value: Any, choices: Any, where: str) -> Any:
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{where} must be one of {', '.join(choices)}; got {value!r}")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{where} must be a number, got {value!r}")
    return float(value)


def _notation(acuity: Mapping[str, Any], where: str) -> dict[str, str]:
    refuse_unknown_keys(
        acuity, (*VA_COLUMNS, "off_chart_policy", "expect_improvement"), f"{where}: acuity"
    )
    for column in VA_COLUMNS:
        if column not in acuity:
            raise InputError(
                f"{where}: acuity.{column} is missing; name the notation of that column "
                f"({', '.join(NOTATIONS)}). It is never guessed: 0.5 is 0.30 logMAR in decimal "
                f"and 0.50 in logMAR"
            )
    return {
        column: _choice(acuity[column], NOTATIONS, f"{where}: acuity.{column}")
        for column in VA_COLUMNS
    }


def _views(section: Mapping[str, Any], where: str) -> dict[str, View]:
    if not section:
        raise InputError(
            f"{where}: 'views' is empty; name at least one view, such as "
            f"'horizontal: {{direction: horizontal, angle_deg: 0}}'"
        )
    views = {}
    for name, facts in section.items():
        place = f"{where}: views.{name}"
        if not isinstance(facts, Mapping):
            raise InputError(f"{place} must hold direction and angle_deg, got {facts!r}")
        refuse_unknown_keys(facts, ("direction", "angle_deg"), place)
        views[str(name)] = View(
            direction=_choice(
                facts.get("direction", "horizontal"), get_args(Direction), f"{place}.direction"
            ),
            angle_deg=_number(facts.get("angle_deg", 0.0), f"{place}.angle_deg"),
        )
    return views


def _covariates(section: Mapping[str, Any], where: str) -> dict[str, Covariate]:
    covariates = {}
    for name, facts in section.items():
        place = f"{where}: covariates.{name}"
        if not isinstance(facts, Mapping):
            raise InputError(f"{place} must hold kind, unit, levels or missing, got {facts!r}")
        refuse_unknown_keys(facts, ("kind", "unit", "levels", "missing"), place)
        kind = _choice(facts.get("kind"), get_args(CovariateKind), f"{place}.kind")
        levels = tuple(str(level) for level in facts.get("levels") or ())
        if kind == "categorical" and not levels:
            raise InputError(f"{place}: a categorical covariate needs its 'levels'")
        covariates[str(name)] = Covariate(
            kind=kind,
            unit=facts.get("unit"),
            levels=levels,
            missing=tuple(str(sentinel) for sentinel in facts.get("missing") or ()),
        )
    return covariates


def _devices(section: Mapping[str, Any], where: str) -> dict[str, dict[str, float]]:
    devices = {}
    for name, facts in section.items():
        place = f"{where}: devices.{name}"
        if not isinstance(facts, Mapping):
            raise InputError(f"{place} must hold numbers, got {facts!r}")
        refuse_unknown_keys(facts, ("axial_um_per_px", "lateral_um_per_px"), place)
        devices[str(name)] = {key: _number(value, f"{place}.{key}") for key, value in facts.items()}
    return devices
