"""What `ctt-net predict --format` writes beside prediction.json and the page."""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from ctt_net.errors import InputError, close_name, install_extra
from ctt_net.inference.predict import EXPORT_FILES

Prediction = Mapping[str, Any]

# Written by the prediction itself.
ALWAYS = ("json", "html")


def _report(prediction: Prediction) -> bytes:
    from ctt_net.export.dicom.identity import as_bytes
    from ctt_net.export.dicom.measurement_report import measurement_report

    return as_bytes(measurement_report(prediction))


def _page(prediction: Prediction) -> bytes:
    from ctt_net.export.dicom.identity import as_bytes
    from ctt_net.export.dicom.secondary_capture import secondary_capture

    return as_bytes(secondary_capture(prediction))


def _bundle(prediction: Prediction) -> bytes:
    from ctt_net.export.fhir import fhir_bundle
    from ctt_net.io.json_file import json_text

    return json_text(fhir_bundle(prediction)).encode()


# Format: what makes its file, and the package that must be there.
EXPORTS: dict[str, tuple[Callable[[Prediction], bytes], str]] = {
    "dicom-sr": (_report, "highdicom"),
    "dicom-sc": (_page, "highdicom"),
    "fhir": (_bundle, ""),
}


def exports_of(formats: Sequence[str]) -> dict[str, Callable[[Prediction], bytes]]:
    """File name to what makes the file, of the formats beyond `ALWAYS`.

    Args:
        formats: Names; `json` and `html` may be among them.

    Raises:
        InputError: If a name is unknown, or a package is missing.
    """
    known = (*ALWAYS, *EXPORTS)
    made = {}
    for name in formats:
        if name not in known:
            meant = close_name(name, known)
            hint = f"; is it {meant!r}?" if meant else ""
            raise InputError(f"--format {name!r}: choose of {', '.join(known)}{hint}")
        if name in ALWAYS:
            continue
        make, package = EXPORTS[name]
        if package and find_spec(package) is None:
            raise InputError(f"--format {name} needs {package}; {install_extra('dicom')}")
        made[EXPORT_FILES[name]] = make
    return made
