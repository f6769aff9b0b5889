"""What `cohort.yaml` declares: where a cohort comes from and how its columns are to be read."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ctt_net.acuity import CENSORED, NOTATIONS, OFF_CHART_POLICIES
from ctt_net.acuity.bounds import BEYOND_LOGMAR
from ctt_net.cohort.covariate import Covariate
from ctt_net.cohort.dates import DATE_COLUMNS
from ctt_net.io.schema import Choice, Flag, Schema, Text, schema_error

IDENTITY_COLUMNS = ("eye_id", "patient_id", "laterality")
VA_COLUMNS = ("preop_va", "postop_va")
ACUITY_COLUMNS = (
    *VA_COLUMNS,
    *("preop_logmar", "postop_logmar"),
    *("preop_off_chart", "postop_off_chart"),
)
# Of outcomes that are known within bounds only: best and worst that they may be, empty = open.
BOUND_COLUMNS = ("postop_lower_logmar", "postop_upper_logmar")
OWN_MEANING = (
    *IDENTITY_COLUMNS,
    *ACUITY_COLUMNS,
    *BOUND_COLUMNS,
    *DATE_COLUMNS,
    *("followup_days", "split", "fold"),
)

Direction = Literal["horizontal", "vertical", "oblique"]
Notation = Annotated[str, Choice(NOTATIONS)]
OffChartPolicy = Annotated[str, Choice(OFF_CHART_POLICIES)]
# See `AcuityPolicy`.
CHART_END_LOGMAR = 1.0
Micrometres = Annotated[float, Field(gt=0)]


class View(Schema):
    """One scan position, present once per eye at most; its name is the manifest column.

    Args:
        direction: `horizontal` scans of left eyes are mirrored to the right eye's orientation;
            `vertical` ones have no nasal side and are not.
        angle_deg: Angle to the horizontal meridian, degrees.
    """

    direction: Direction = "horizontal"
    angle_deg: float = 0.0


class Device(Schema):
    """Size of a pixel of a device.

    Args:
        axial_um_per_px: Along the depth, micrometres.
        lateral_um_per_px: Along the scan, micrometres.
    """

    axial_um_per_px: Micrometres | None = None
    lateral_um_per_px: Micrometres | None = None


class AcuityPolicy(Schema):
    """How the acuities are understood.

    Args:
        off_chart_policy: What counting fingers and less count as (see `ctt_net.acuity`). With
            `censored` such an outcome has no number: it is known to be worse than the chart's end.
            Before surgery, where a network needs a number, it counts as with `bach`.
        chart_end_logmar: Of the policy `censored`: the largest line of the chart that outcomes
            are measured on; by default 1.0, the 20/200 line of ETDRS charts at 4 m (Ferris 1982,
            doi 10.1016/0002-9394(82)90197-0). A cohort whose eyes walk up to the chart has another.
        expect_improvement: Most eyes see better after surgery. Where that is truly not so, `false`
            switches the inverted-unit alarm off.
    """

    off_chart_policy: OffChartPolicy = "bach"
    chart_end_logmar: Annotated[float, Field(ge=0.3, le=2.0)] | None = None
    expect_improvement: Flag = True

    @property
    def off_chart_outcomes_from(self) -> float | None:
        """The best logMAR that an outcome off the chart may be; None = the policy has a number."""
        if self.off_chart_policy != CENSORED:
            return None
        end = CHART_END_LOGMAR if self.chart_end_logmar is None else self.chart_end_logmar
        return end + BEYOND_LOGMAR

    @model_validator(mode="after")
    def _chart_ends_where_censored(self) -> Self:
        if self.chart_end_logmar is not None and self.off_chart_policy != CENSORED:
            raise schema_error(
                f"means nothing with off_chart_policy {self.off_chart_policy}; take it out, or "
                f"set off_chart_policy: {CENSORED}",
                "chart_end_logmar",
            )
        return self


class AcuityColumns(AcuityPolicy):
    """How the acuities are written and understood.

    Args:
        preop_va: Notation of that column, never guessed: 0.5 is 0.30 logMAR in decimal and 0.50 in
            logMAR.
        postop_va: Notation of that column, never guessed: 0.5 is 0.30 logMAR in decimal and 0.50 in
            logMAR.
    """

    preop_va: Notation
    postop_va: Notation


class CohortFacts(Schema):
    """Where a cohort comes from.

    Args:
        name: Short name.
        source: Where the eyes come from.
        licence: Terms of use.
        citation: What to cite.
        synthetic: Simulated eyes; reports then say so.
        devices: Device name to the size of its pixels.
    """

    name: Text
    source: Text
    licence: Text
    citation: Text
    synthetic: Flag = False
    devices: dict[str, Device] = Field(default_factory=dict)


class CohortSpec(CohortFacts):
    """Contents of `cohort.yaml`.

    Args:
        acuity: Notations of the acuity columns, and what off-chart words count as.
        views: View name (= manifest column) to its geometry, in the order the network sees them; at
            least one, such as `horizontal: {direction: horizontal, angle_deg: 0}`.
        covariates: Manifest column to its kind.
    """

    acuity: AcuityColumns
    views: dict[str, View]
    covariates: dict[str, Covariate] = Field(default_factory=dict)

    @property
    def notation(self) -> Mapping[str, str]:
        """VA notation of `preop_va` and of `postop_va`."""
        return {"preop_va": self.acuity.preop_va, "postop_va": self.acuity.postop_va}

    @model_validator(mode="after")
    def _columns_are_free(self) -> Self:
        """A column has one meaning, and what is known only after surgery is no input."""
        if not self.views:
            raise schema_error(
                "is empty; give at least one, such as 'horizontal: {direction: horizontal}'",
                "views",
            )
        for kind, names in (("views", self.views), ("covariates", self.covariates)):
            for name in names:
                if name in OWN_MEANING:
                    raise schema_error("has a meaning of its own; choose another name", kind, name)
                if name.lower().startswith("postop"):
                    raise schema_error(
                        ": what is measured after surgery cannot be an input; take it out",
                        *(kind, name),
                    )
        for name, covariate in self.covariates.items():
            view = covariate.measured_in
            if view is not None and (view not in self.views or not name.startswith(f"{view}_")):
                raise schema_error(
                    f"must be the view that the column's name begins with, one of "
                    f"{', '.join(self.views)}; got {view!r}",
                    *("covariates", name, "measured_in"),
                )
            other = self.covariates.get(covariate.same_as or name)
            if other is None or (other.kind, other.unit) != (covariate.kind, covariate.unit):
                raise schema_error(
                    f"must be a covariate of the same kind and unit, got {covariate.same_as!r}",
                    *("covariates", name, "same_as"),
                )
            if name in self.views:
                raise schema_error(
                    "is a view and a covariate; rename one column", "covariates", name
                )
        return self
