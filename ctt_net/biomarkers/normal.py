"""What is usual in healthy eyes, for the few measures with a published norm that fits them.

A range is the mean and 1.96 SD to both sides. It holds for adults, for the device and the line
that the source measured to, and is no limit of disease: one healthy eye in twenty lies outside.
"""

from dataclasses import dataclass

from ctt_net.biomarkers.definitions import MARGOLIS, NAMES

GROVER = "Grover 2009, doi 10.1016/j.ajo.2009.03.006"


@dataclass(frozen=True)
class NormalRange:
    """Mean and SD of a measure in healthy eyes.

    Args:
        mean: In the unit of the measure.
        sd: Likewise.
        source: The paper.
    """

    mean: float
    sd: float
    source: str

    @property
    def limits(self) -> tuple[float, float]:
        """Between which 95 % of healthy eyes lie, to whole units.

        >>> NormalRange(270.2, 22.5, GROVER).limits
        (226, 314)
        """
        return round(self.mean - 1.96 * self.sd), round(self.mean + 1.96 * self.sd)


NORMAL_RANGES = {
    # Spectralis, internal limiting membrane to Bruch's membrane: 50 eyes of adults.
    "central_thickness_um": NormalRange(227.3, 23.2, GROVER),
    "central_subfield_thickness_um": NormalRange(270.2, 22.5, GROVER),
    # Enhanced depth imaging: 54 eyes.
    "choroidal_thickness_um": NormalRange(287.0, 76.0, MARGOLIS),
}
# Signs of a lesion: a healthy macula has none.
NONE_IF_HEALTHY = (
    "hole_minimum_diameter_um", "hole_minimum_diameter_share", "hole_base_diameter_um",
    "hole_base_diameter_share", "ellipsoid_gap_um", "ellipsoid_gap_share", "elm_gap_um",
    "elm_gap_share", "cyst_area_mm2", "subretinal_fluid_height_um", "subretinal_fluid_area_mm2",
    "drusen_height_um", "drusen_area_mm2", "rpe_loss_um", "rpe_loss_share", "membrane_share",
)  # fmt: skip
assert {*NORMAL_RANGES, *NONE_IF_HEALTHY} <= {*NAMES}
