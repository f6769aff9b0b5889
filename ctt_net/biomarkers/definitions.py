"""What is measured in a scan: name, unit, definition and source of every measure."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["um", "mm2", "share", "ratio", "0/1"]

# "Central 1 mm": all A-scans within 0.5 mm of the foveal centre, along the one line of the scan.
CENTRAL_MM, PARAFOVEAL_MM, MEMBRANE_MM, CONTOUR_MM, PHOTORECEPTOR_MM = 1.0, 3.0, 3.0, 3.0, 2.0
# Below these, differences are noise of a segmentation, not lesions.
SHORTEST_GAP_UM = 40.0
SMALLEST_CYST_UM2 = 500.0
LOWEST_FLUID_UM = LOWEST_DRUSEN_UM = 12.0

DUKER = "Duker 2013, doi 10.1016/j.ophtha.2013.07.042"
KUSUHARA = "Kusuhara 2004, Am J Ophthalmol 138:709"
ULLRICH = "Ullrich 2002, doi 10.1136/bjo.86.4.390"
RUIZ_MORENO = "Ruiz-Moreno 2008, Br J Ophthalmol 92:405"
WOLF = "Wolf-Schnurrbusch 2009, doi 10.1167/iovs.08-2970"
ETDRS = "ETDRS report 10, doi 10.1016/S0161-6420(13)38012-9"
STAURENGHI = "layers: Staurenghi 2014, doi 10.1016/j.ophtha.2014.02.023"
DUBIS = "Dubis 2009, Br J Ophthalmol 93:1223"
EZ_ELM = "doi 10.3389/fmed.2021.779602"
PSEUDOCYSTS = "doi 10.1186/s12886-021-02164-2"
SADDA = "Sadda 2018, doi 10.1016/j.ophtha.2017.09.028"
MARGOLIS = "Margolis 2009, Am J Ophthalmol 147:811"
GOVETTO = "Govetto 2017, Am J Ophthalmol 175:99"

NO_HOLE = "there is no hole, or it is partly outside the picture"
NOT_CENTRAL = "there is a hole, or the central 1 mm is partly outside the scan"


@dataclass(frozen=True)
class Definition:
    """One measure.

    Args:
        name: Column of the table; ends with the unit where there is one.
        unit: um = micrometres, mm2 = square millimetres; share = 0 to 1; ratio has no unit.
        text: What it is, in one sentence.
        source: The paper that defines it, or that names the layers where none does.
        empty_if: When it is not measured, besides an unreadable scan or an unknown scale.
        needs: Scales it needs: "axial", "lateral".
    """

    name: str
    unit: Unit
    text: str
    source: str
    empty_if: str
    needs: tuple[Literal["axial", "lateral"], ...] = ()


_BOTH: tuple[Literal["axial", "lateral"], ...] = ("axial", "lateral")
_AXIAL: tuple[Literal["axial"], ...] = ("axial",)
_LATERAL: tuple[Literal["lateral"], ...] = ("lateral",)

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "fovea_share", "share",
        "Place of the foveal centre, as a share of the scan's width from its left end: the middle "
        "of a full-thickness hole, else of the foveal pit, else the middle of the scan (noted).",
        STAURENGHI, "no retina was found",
    ),
    Definition(
        "hole", "0/1",
        "Whether the outer retina is open down to the pigment epithelium: a full-thickness macular "
        "hole or, under a closed roof, an impending one (see hole_open).",
        DUKER, "no retina was found",
    ),
    Definition(
        "hole_open", "0/1",
        "Whether the hole is of full thickness in this scan: it opens at least 60 % of the retina, "
        "up to near the vitreous.",
        DUKER, NO_HOLE,
    ),
    Definition(
        "hole_minimum_diameter_um", "um",
        "Smallest width of the hole in the middle fifth of the retina, parallel to the retinal "
        "pigment epithelium; under a closed roof the width half way up.",
        DUKER, NO_HOLE, _LATERAL,
    ),
    Definition(
        "hole_minimum_diameter_share", "share", "The same, as a share of the scan's width.",
        DUKER, NO_HOLE,
    ),
    Definition(
        "hole_base_diameter_um", "um",
        "Width of the hole at the retinal pigment epithelium, with the fluid under its rims.",
        ULLRICH, "there is no hole", _LATERAL,
    ),
    Definition(
        "hole_base_diameter_share", "share", "The same, as a share of the scan's width.",
        ULLRICH, "there is no hole",
    ),
    Definition(
        "hole_height_um", "um",
        "Greatest distance of the rims' surface (within 0.5 mm of the hole) to the retinal pigment "
        "epithelium.",
        KUSUHARA, NO_HOLE, _AXIAL,
    ),
    Definition(
        "macular_hole_index", "ratio", "Height of the hole by its base diameter.",
        KUSUHARA, NO_HOLE, _BOTH,
    ),
    Definition(
        "hole_form_factor", "ratio",
        "Sum of the two arms by the base diameter; an arm runs straight from the end of the base "
        "to the rim on the same side where the hole is narrowest.",
        ULLRICH, NO_HOLE, _BOTH,
    ),
    Definition(
        "tractional_hole_index", "ratio", "Height of the hole by its minimum diameter.",
        RUIZ_MORENO, NO_HOLE, _BOTH,
    ),
    Definition(
        "diameter_hole_index", "ratio", "Minimum diameter of the hole by its base diameter.",
        RUIZ_MORENO, NO_HOLE,
    ),
    Definition(
        "central_thickness_um", "um",
        "Internal limiting membrane to Bruch's membrane at the foveal centre. Bruch's membrane "
        "stays in place under drusen and fluid, and ends the retina of Spectralis; devices that "
        "measure to another line differ by up to the pigment epithelium's thickness and more.",
        WOLF, "there is a hole, or the surfaces leave the picture", _AXIAL,
    ),
    Definition(
        "central_subfield_thickness_um", "um",
        "Mean of the same in the central 1 mm of this line; it is not the mean over the ETDRS "
        "disc, which needs a volume scan.",
        ETDRS, NOT_CENTRAL, _BOTH,
    ),
    Definition(
        "inner_retinal_thickness_um", "um",
        "Mean in the central 1 mm, internal limiting membrane to the top of the outer plexiform "
        "layer.",
        STAURENGHI, NOT_CENTRAL, _BOTH,
    ),
    Definition(
        "outer_retinal_thickness_um", "um",
        "Mean in the central 1 mm, top of the outer plexiform layer to the tips of the "
        "photoreceptors, without fluid below them.",
        STAURENGHI, NOT_CENTRAL, _BOTH,
    ),
    Definition(
        "parafoveal_thickness_um", "um",
        "Mean of internal limiting membrane to Bruch's membrane from 0.5 to 1.5 mm on both sides.",
        ETDRS, "that part is not whole in the scan, or a hole reaches into it", _BOTH,
    ),
    Definition(
        "foveal_depth_um", "um",
        "Mean of the greatest thicknesses on both sides within 1.5 mm, less the thickness at the "
        "foveal centre; negative where the centre is thicker.",
        DUBIS, "there is a hole, or 1.5 mm on both sides are not whole in the scan", _BOTH,
    ),
    Definition(
        "ellipsoid_intact_share", "share",
        "Share of the 1 mm on both sides of the foveal centre with an ellipsoid zone; the base of "
        "a hole has none, nor have photoreceptors below 12 µm from the zone to their tips.",
        EZ_ELM, "that part is not whole in the scan", _LATERAL,
    ),
    Definition(
        "ellipsoid_gap_um", "um",
        "Length of the gap in the ellipsoid zone that contains or lies nearest the foveal centre, "
        "at most 1.5 mm away; 0 without one. A hole is part of its gap.",
        EZ_ELM, "the gap leaves the scan", _LATERAL,
    ),
    Definition(
        "ellipsoid_gap_share", "share", "The same, as a share of the scan's width.",
        EZ_ELM, "the gap leaves the scan",
    ),
    Definition(
        "elm_intact_share", "share",
        "As `ellipsoid_intact_share`, of the external limiting membrane.",
        EZ_ELM, "that part is not whole in the scan", _LATERAL,
    ),
    Definition(
        "elm_gap_um", "um", "As `ellipsoid_gap_um`, of the external limiting membrane.",
        EZ_ELM, "the gap leaves the scan", _LATERAL,
    ),
    Definition(
        "elm_gap_share", "share", "The same, as a share of the scan's width.",
        EZ_ELM, "the gap leaves the scan",
    ),
    Definition(
        "cyst_area_mm2", "mm2",
        "Area of all cysts in the scan of at least 500 square micrometres, and of openings that "
        "are no hole.",
        PSEUDOCYSTS, "no retina was found", _BOTH,
    ),
    Definition(
        "subretinal_fluid_area_mm2", "mm2",
        "Area between the photoreceptors' tips and the retinal pigment epithelium where they are "
        "at least 12 µm apart, outside a hole.",
        STAURENGHI, "no retina was found", _BOTH,
    ),
    Definition(
        "subretinal_fluid_height_um", "um",
        "Greatest distance of the same two; 0 below 12 µm.",
        STAURENGHI, "no retina was found", _AXIAL,
    ),
    Definition(
        "drusen_area_mm2", "mm2",
        "Area between the retinal pigment epithelium's base and Bruch's membrane where they are at "
        "least 12 µm apart.",
        STAURENGHI, "no retina was found", _BOTH,
    ),
    Definition(
        "drusen_height_um", "um", "Greatest distance of the same two; 0 below 12 µm.",
        STAURENGHI, "no retina was found", _AXIAL,
    ),
    Definition(
        "rpe_loss_um", "um",
        "Length of scan without retinal pigment epithelium, all stretches of at least 40 µm added "
        "(complete atrophy needs one of 250 µm).",
        SADDA, "no retina was found", _LATERAL,
    ),
    Definition(
        "rpe_loss_share", "share", "The same, as a share of the scan's width.",
        SADDA, "no retina was found",
    ),
    Definition(
        "membrane_share", "share",
        "Share of the central 3 mm under an epiretinal membrane.",
        GOVETTO, "the central 3 mm are not whole in the scan", _LATERAL,
    ),
    Definition(
        "choroidal_thickness_um", "um",
        "Bruch's membrane to the border of the sclera at the foveal centre. The border is often "
        "invisible without enhanced depth imaging; mind the SD.",
        MARGOLIS, "the border lies outside the picture", _AXIAL,
    ),
)  # fmt: skip
NAMES = tuple(definition.name for definition in DEFINITIONS)
