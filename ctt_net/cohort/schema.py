"""What `cohort.yaml` declares: where a cohort comes from and how its columns are to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ctt_net.acuity import NOTATIONS, OFF_CHART_POLICIES
from ctt_net.cohort.covariate import Covariate, read_covariates
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.cohort.view import View, read_views
from ctt_net.cohort.yaml_value import read_choice, read_flag, read_number, read_section, read_text
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys

IDENTITY_COLUMNS = ("eye_id", "patient_id", "laterality")
VA_COLUMNS = ("preop_va", "postop_va")
ACUITY_COLUMNS = (
    *VA_COLUMNS,
    *("preop_logmar", "postop_logmar"),
    *("preop_off_chart", "postop_off_chart"),
)
OWN_MEANING = (
    *IDENTITY_COLUMNS,
    *ACUITY_COLUMNS,
    *DATE_COLUMNS,
    *("followup_days", "split", "fold"),
)


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
            "views": {name: view.to_dict() for name, view in self.views.items()},
            "covariates": {
                name: {
                    "kind": covariate.kind,
                    **({"unit": covariate.unit} if covariate.unit else {}),
                    **({"levels": list(covariate.levels)} if covariate.levels else {}),
                    **({"missing": list(covariate.missing)} if covariate.missing else {}),
                    **({"range": list(covariate.range)} if covariate.range else {}),
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
        check_known_keys(mapping, known, where)
        acuity = read_section(mapping, "acuity", where)
        views = read_views(read_section(mapping, "views", where), where)
        covariates = read_covariates(read_section(mapping, "covariates", where), where)
        _check_columns_free(views, covariates, where)
        return cls(
            **{key: read_text(mapping.get(key), f"{where}: key {key!r}") for key in texts},
            synthetic=read_flag(mapping, "synthetic", False, where),
            notation=_notation(acuity, where),
            off_chart_policy=read_choice(
                acuity.get("off_chart_policy", "bach"),
                OFF_CHART_POLICIES,
                f"{where}: acuity.off_chart_policy",
            ),
            expect_improvement=read_flag(acuity, "expect_improvement", True, where),
            views=views,
            covariates=covariates,
            devices=_devices(read_section(mapping, "devices", where), where),
        )


def _notation(acuity: Mapping[str, Any], where: str) -> dict[str, str]:
    check_known_keys(
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
        column: read_choice(acuity[column], NOTATIONS, f"{where}: acuity.{column}")
        for column in VA_COLUMNS
    }


def _check_columns_free(
    views: Mapping[str, View], covariates: Mapping[str, Covariate], where: str
) -> None:
    """A column has one meaning, and what is known only after surgery is no input."""
    for kind, names in (("views", views), ("covariates", covariates)):
        for name in names:
            if name in OWN_MEANING:
                raise InputError(
                    f"{where}: {kind}.{name}: the column {name!r} has a meaning of its own; "
                    f"choose another name"
                )
            if name.lower().startswith("postop"):
                raise InputError(
                    f"{where}: {kind}.{name}: what is measured after surgery cannot be an input; "
                    f"take it out"
                )
    for name in covariates:
        if name in views:
            raise InputError(f"{where}: {name!r} is a view and a covariate; rename one column")


def _devices(section: Mapping[str, Any], where: str) -> dict[str, dict[str, float]]:
    devices = {}
    for name, facts in section.items():
        place = f"{where}: devices.{name}"
        if not isinstance(facts, Mapping):
            raise InputError(f"{place} must hold numbers, got {facts!r}")
        check_known_keys(facts, ("axial_um_per_px", "lateral_um_per_px"), place)
        devices[str(name)] = {
            key: read_number(value, f"{place}.{key}") for key, value in facts.items()
        }
        for key, value in devices[str(name)].items():
            if value <= 0:
                raise InputError(f"{place}.{key} must be above 0, got {value:g}")
    return devices
