"""A view: one scan position, and the manifest column that holds its files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ctt_net.cohort.yaml_value import read_choice, read_number
from ctt_net.errors import InputError
from ctt_net.io.yaml_file import check_known_keys

Direction = Literal["horizontal", "vertical", "oblique"]


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

    def to_dict(self) -> dict[str, Any]:
        """As in `cohort.yaml`; `View(**facts)` is the way back."""
        return {"direction": self.direction, "angle_deg": self.angle_deg}


def read_views(section: Mapping[str, Any], where: str) -> dict[str, View]:
    """The `views` section of `cohort.yaml`; `where` is what to call the file in errors."""
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
        check_known_keys(facts, ("direction", "angle_deg"), place)
        views[str(name)] = View(
            direction=read_choice(
                facts.get("direction", "horizontal"), get_args(Direction), f"{place}.direction"
            ),
            angle_deg=read_number(facts.get("angle_deg", 0.0), f"{place}.angle_deg"),
        )
    return views
