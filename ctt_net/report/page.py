"""Pages that stand alone: one style for every report, no network, every value escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ctt_net import INTENDED_USE, __version__

TEMPLATES = Path(__file__).parent / "templates"


def render(template_name: str, *, folder: Path | None = None, **context: Any) -> str:
    """Fill a template that extends `base.html`.

    `base.html` carries the style, the intended-use sentence and a content policy that forbids
    the page to load anything. It needs `title` and `synthetic`, and offers the blocks `style`
    (further CSS), `subtitle`, `main` and `footer`. Figures are passed as `markupsafe.Markup`; all
    else is escaped.

    Args:
        template_name: File name, such as `report.html`.
        folder: Where else to look for templates, before those of this package.
        **context: What the template needs; a missing name is an error, never a blank.

    Returns:
        HTML.
    """
    places = [folder, TEMPLATES] if folder else [TEMPLATES]
    environment = Environment(
        loader=FileSystemLoader(places),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(intended_use=INTENDED_USE, version=__version__)
    return environment.get_template(template_name).render(**context)
