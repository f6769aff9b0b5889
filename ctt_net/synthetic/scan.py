"""A line scan of a simulated eye: picture, truth, and the mark that some exports burn in."""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ctt_net.imaging.segmentation import Segmentation
from ctt_net.synthetic.acquisition import double_contour, light, moved, placed
from ctt_net.synthetic.anatomy import Build
from ctt_net.synthetic.cavities import shape_central_cyst
from ctt_net.synthetic.device import Device
from ctt_net.synthetic.disease import FIXATION_LIMIT_MM
from ctt_net.synthetic.exposure import expose
from ctt_net.synthetic.extras import Extra, ExtraKind, of_kind
from ctt_net.synthetic.eye import SimulatedEye
from ctt_net.synthetic.hole_forms import (
    HoleForm,
    shape_hole,
    shape_lamellar,
    shape_outer_gap,
    shape_pseudohole,
)
from ctt_net.synthetic.macula import Section, cut
from ctt_net.synthetic.membranes import shape_membrane
from ctt_net.synthetic.paint import Frame, Painting, paint
from ctt_net.synthetic.subretinal import (
    shape_basal,
    shape_detachment,
    shape_fluid,
    shape_hard,
    shape_soft,
)
from ctt_net.synthetic.vitreous import shape_traction

# Left, top, right and bottom of the square in an export of 750 x 500 pixels.
SQUARE_PX = (31, 395, 106, 470)
WHITE = 255


def burn_in_direction(
    image: NDArray[np.uint8],
    direction: Literal["horizontal", "vertical"],
    laterality: Literal["OD", "OS"],
) -> None:
    """Draw the square, the arrow and the letters T, N, S, I; changes the picture in place.

    Args:
        image: (500, 750) grey, as exported.
        direction: The arrow points right (horizontal) or up (vertical).
        laterality: Temporal is at the left in a right eye's picture, nasal in a left eye's.
    """
    left, top, right, bottom = SQUARE_PX
    x, y = (left + right) // 2, (top + bottom) // 2
    cv2.rectangle(image, (left, top), (right, bottom), WHITE, 1)
    if direction == "horizontal":
        cv2.line(image, (left, y), (right, y), WHITE, 1)
        head = [(right - 7, y - 6), (right, y), (right - 7, y + 6)]
    else:
        cv2.line(image, (x, top), (x, bottom), WHITE, 1)
        head = [(x - 6, top + 7), (x, top), (x + 6, top + 7)]
    cv2.polylines(image, [np.array(head, dtype=np.int32)], False, WHITE, 1)
    at_left, at_right = ("T", "N") if laterality == "OD" else ("N", "T")
    _letter(image, at_left, left - 9, y)
    _letter(image, at_right, right + 10, y)
    _letter(image, "S", x, top - 9)
    _letter(image, "I", x, bottom + 11)
    _letter(image, "1", left + 6, top + 9)


def _letter(image: NDArray[np.uint8], letter: str, x: int, y: int) -> None:
    """Centre one letter on a place."""
    face, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.36
    (width, height), _ = cv2.getTextSize(letter, face, scale, 1)
    cv2.putText(image, letter, (x - width // 2, y + height // 2), face, scale, WHITE, 1)


Direction = Literal["horizontal", "vertical"]
DIRECTIONS: tuple[Direction, ...] = ("horizontal", "vertical")
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Thin bright lines are labelled as bands, so that a network of coarser rows can learn them.
ELM_LABEL_UM = 16.0
MEMBRANE_LABEL_UM = 24.0


def scan(eye: SimulatedEye, device: Device, direction: Direction) -> NDArray[np.uint8]:
    """Take one line scan through the fovea, as the device exports it.

    Horizontal scans of left eyes come out mirrored (nasal at the left), as from a real device;
    vertical ones run from inferior (left) to superior (right) in both eyes.

    Args:
        eye: Whose macula.
        device: Size, scale and appearance.
        direction: Which of the two lines.

    Returns:
        (H, W) grey.
    """
    return labelled_scan(eye, device, direction)[0]


def labelled_scan(
    eye: SimulatedEye, device: Device, direction: Direction
) -> tuple[NDArray[np.uint8], Segmentation]:
    """Take a scan as `scan` does, with the true layers and lesions of every pixel.

    Returns:
        (H, W) grey, and its segmentation in the same geometry.
    """
    build = Build.draw(eye.seed, eye.age_years, eye.axial_length_mm)
    x_mm, y_mm = scan_line(eye, device, direction)
    rng = np.random.default_rng((*eye.seed, 21, DIRECTIONS.index(direction)))
    frame = Frame(
        device.height_px,
        device.axial_um_per_px,
        device.axial_blur_um,
        _bruch_rows(eye, device, x_mm, y_mm, rng),
    )
    section = shaped_section(eye, build, x_mm, y_mm)
    painting = paint(section, build, eye.lesions, frame, device.choroid_reach_um, eye.extras)
    signal = light(lens_signal(eye, x_mm, y_mm), x_mm, y_mm, eye.extras)
    clean = double_contour(painting.image, eye.extras)
    image = expose(clean, signal, frame.bruch_row, device, rng)
    visible = _leave_margin(image, device, rng)
    truth = segmentation(section, painting, frame, build.choroid_um, visible)
    if eye.laterality == "OS" and direction == "horizontal":
        image, truth = np.ascontiguousarray(image[:, ::-1]), truth.mirrored()
    if device.direction_mark:
        burn_in_direction(image, direction, eye.laterality)
    return image, truth


SHAPES: dict[ExtraKind, Callable[[Section, Extra], None]] = {
    "lamellar_hole": shape_lamellar,
    "pseudohole": shape_pseudohole,
    "outer_gap": shape_outer_gap,
    "traction": shape_traction,
    "subretinal_fluid": shape_fluid,
    "serous_detachment": shape_detachment,
    "soft_drusen": shape_soft,
    "hard_drusen": shape_hard,
    "basal_deposits": shape_basal,
    "central_cyst": shape_central_cyst,
    "membrane": shape_membrane,
}


def shaped_section(eye: SimulatedEye, build: Build, x_mm: Floats, y_mm: Floats) -> Section:
    """The macula along a line, with lesions and extras."""
    form, lesions = of_kind(eye.extras, "hole_form"), eye.lesions
    if form is not None:
        lesions = tuple(lesion for lesion in lesions if lesion.kind != "macular_hole")
    section = cut(build, lesions, x_mm, y_mm)
    for extra in eye.extras:
        if extra.kind in SHAPES:
            SHAPES[extra.kind](section, extra)
    if form is not None:
        shape_hole(section, HoleForm.of(form))
    return section


def segmentation(
    section: Section, painting: Painting, frame: Frame, choroid_um: float, visible: Mask
) -> Segmentation:
    """The true layers and lesions of a painted section; a lesion is where half is lost."""
    tops = section.surfaces_um()
    base = np.zeros_like(section.x_mm)
    heights = (
        tops["rnfl"], tops["opl"], tops["myoid"], tops["segments"],
        tops["rpe"] + section.subretinal_um, tops["rpe"],
        section.drusen_um, base, base - choroid_um,
    )  # fmt: skip
    surfaces = np.stack([frame.bruch_row - height / frame.axial_um_per_px for height in heights])
    ilm, _, elm, ez, tips, rpe, _, bruch, _ = surfaces
    rows = np.arange(frame.height_px)[:, None]
    outside_hole = ~painting.hole
    half_elm, half_membrane = 0.5 * ELM_LABEL_UM, 0.5 * MEMBRANE_LABEL_UM
    scale = frame.axial_um_per_px
    membrane = section.membrane * (section.hole_ratio > 1.5) > 0.3
    lesions = (
        painting.hole,
        painting.cysts,
        (rows >= ez) & (rows < tips) & (section.ellipsoid < 0.5) & outside_hole,
        (np.abs(rows - elm) <= half_elm / scale) & (section.elm < 0.5) & outside_hole,
        (rows >= rpe) & (rows < bruch) & (section.pigment < 0.5),
        (np.abs(rows - ilm + section.membrane_gap_um / scale) <= half_membrane / scale) & membrane,
    )
    return Segmentation(surfaces.astype(np.float32), np.stack(lesions), visible)


def scan_line(eye: SimulatedEye, device: Device, direction: Direction) -> tuple[Floats, Floats]:
    """Places of the A-scans, mm nasal of and above the fovea, in the right eye's frame."""
    rng = np.random.default_rng((*eye.seed, 22))
    limit = FIXATION_LIMIT_MM
    aim_x, aim_y = np.clip(rng.normal(0.0, 0.02, 2), -limit, limit)
    along = (np.arange(device.width_px) - 0.5 * (device.width_px - 1)) / 1000.0
    along = along * device.lateral_um_per_px + rng.normal(0.0, 0.12, 2)[DIRECTIONS.index(direction)]
    along = moved(along, eye.extras)
    if direction == "horizontal":
        return along, np.full_like(along, aim_y)
    return np.full_like(along, aim_x), along


def lens_signal(eye: SimulatedEye, x_mm: Floats, y_mm: Floats) -> Floats:
    """Share of the light that the cataract lets through to these places and back: patchy."""
    rng = np.random.default_rng((*eye.seed, 23))
    patch = np.zeros_like(x_mm)
    for _ in range(7):
        angle, wavelength = rng.uniform(0.0, np.pi), rng.uniform(1.2, 6.0)
        along = x_mm * np.cos(angle) + y_mm * np.sin(angle)
        patch += np.sin(2.0 * np.pi * along / wavelength + rng.uniform(0.0, 2.0 * np.pi))
    opaque = {"nuclear": 0.25, "cortical": 0.7, "posterior": 0.5}[eye.cataract]
    loss = eye.signal_loss_db * (1.0 + opaque * np.clip(patch / 1.9, -0.8, 1.5))
    return 10.0 ** (-loss / 10.0)


def _bruch_rows(
    eye: SimulatedEye, device: Device, x_mm: Floats, y_mm: Floats, rng: np.random.Generator
) -> Floats:
    """Row of Bruch's membrane: the eye's curve plus this scan's tilt and place in the window."""
    own = np.random.default_rng((*eye.seed, 24))
    longer = max(eye.axial_length_mm - 24.0, 0.0)
    curve_um = np.clip(own.normal(11.0, 5.0) + 4.0 * longer, 0.0, 32.0)
    wave_um = own.uniform(0.0, 9.0) * np.sin(x_mm * 1.1 + 1.0) * np.cos(y_mm * 0.9)
    along = x_mm + y_mm - np.mean(x_mm + y_mm)
    tilt_um = np.clip(rng.normal(0.0, 28.0), -60.0, 60.0)
    lift_um = curve_um * (x_mm**2 + y_mm**2) + tilt_um * along + wave_um
    lowest = device.height_px * np.clip(rng.normal(0.60, 0.05), 0.48, 0.72)
    rows = lowest - (lift_um - lift_um.min()) / device.axial_um_per_px
    return placed(rows, x_mm, y_mm, device, eye.extras)


def _leave_margin(image: NDArray[np.uint8], device: Device, rng: np.random.Generator) -> Mask:
    """Black strip at one side, where the averaged frames did not overlap; what it leaves: (W,)."""
    visible = np.ones(image.shape[1], np.bool_)
    strip = int(rng.uniform(-device.margin_px, device.margin_px))
    if strip > 1:
        visible[:strip] = False
    elif strip < -1:
        visible[strip:] = False
    image[:, ~visible] = 0
    return visible
