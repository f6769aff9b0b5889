"""Scans on the patient's page: pictures, layers, lesions, heat maps and measures."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from ctt_net.biomarkers.definitions import DEFINITIONS
from ctt_net.biomarkers.normal import NONE_IF_HEALTHY, NORMAL_RANGES
from ctt_net.imaging import BScan
from ctt_net.imaging.encode import jpeg
from ctt_net.inference import patient_figures as figures
from ctt_net.inference.patient_details import EyeDetails, MeasuredScan
from ctt_net.inference.patient_texts import PageTexts
from ctt_net.measure.overlay import LESION_COLOURS, SURFACE_COLOURS
from ctt_net.uncertainty.flags import LOW_QUALITY

# View to its outlines and the lesions among them.
Outlined = Mapping[str, tuple[Markup, list[str]]]
# Of the picture on the page; the scan itself stays where it is.
WIDTH_PX, JPEG_QUALITY = 640, 85
LETTER_LOGMAR = 0.02
GOOD_QUALITY = 0.4
# Shown of every scan; the others only where something was found.
ALWAYS = ("central_thickness_um", "central_subfield_thickness_um", "choroidal_thickness_um")
# Sign of a lesion -> its measures; the first that was measured is shown if it is above 0.
LESION_SIGNS = {
    "hole": ("hole_minimum_diameter_um", "hole_base_diameter_um", "hole_minimum_diameter_share",
             "hole_base_diameter_share"),
    "ellipsoid_gap": ("ellipsoid_gap_um", "ellipsoid_gap_share"),
    "elm_gap": ("elm_gap_um", "elm_gap_share"),
    "cyst": ("cyst_area_mm2",),
    "subretinal_fluid": ("subretinal_fluid_height_um",),
    "drusen": ("drusen_height_um",),
    "rpe_loss": ("rpe_loss_um", "rpe_loss_share"),
    "membrane": ("membrane_share",),
}  # fmt: skip


class ScanSection:
    """What the page shows of the scans of one eye.

    Args:
        texts: Of the page.
        eye: Entry of prediction.json.
        scans: View to scan.
        details: None = pictures only.
    """

    def __init__(
        self,
        texts: PageTexts,
        eye: Mapping[str, Any],
        scans: Mapping[str, BScan],
        details: EyeDetails | None,
    ) -> None:
        self.texts, self.eye, self.scans, self.details = texts, eye, scans, details
        self.outlined: Outlined = {
            view: figures.outlines(one.segmentation)
            for view, one in (details.scans if details else {}).items()
        }

    def filled(self) -> dict[str, Any]:
        """What the template needs."""
        details = self.details
        return {
            "scans": [self._scan(view) for view in self.eye["views"] if view["present"]],
            "heat": None if details is None else self._heat(details),
            "legend": self._legend(),
            "measures": None if details is None else self._measures(details),
        }

    def _scan(self, view: Mapping[str, Any]) -> dict[str, Any]:
        w, name, details = self.texts.words, view["name"], self.details
        bscan = self.scans[name]
        found = None if details is None else details.scans.get(name)
        layers, lesions = self.outlined.get(name, (None, []))
        shown = w.name("view", name)
        alt = [w("scan.alt", view=shown, eye=w(self.eye["laterality"]))]
        if found is not None:
            kinds = [w(f"surface.{one}") for one in SURFACE_COLOURS]
            kinds += [w(f"area.{one}") for one in lesions]
            alt.append(w("scan.layers_alt", found=w.list(kinds)))
        notes = [w.note(note.code, note.text) for note in bscan.notes]
        if details is not None and found is None:
            notes.insert(0, w("not_outlined"))
        heat = None if details is None else details.heat_maps.get(name)
        strongest = 0.0 if details is None else _strongest(details)
        quality = view["quality"]
        word = "poor" if quality < LOW_QUALITY else "fair" if quality < GOOD_QUALITY else "good"
        return {
            "view": shown,
            "picture": _data("jpeg", jpeg(bscan.pixels, WIDTH_PX, JPEG_QUALITY)),
            "width": bscan.pixels.shape[1],
            "height": bscan.pixels.shape[0],
            "layers": layers,
            "heat": None
            if heat is None or strongest < LETTER_LOGMAR / 2
            else _data("png", figures.heat_picture(heat, strongest)),
            "alt": " ".join(alt),
            "quality": w("quality", word=w(f"quality.{word}"), value=f"{quality:.2f}"),
            "notes": w("list.semicolon").join(notes),
        }

    def _heat(self, details: EyeDetails) -> dict[str, str] | None:
        if not details.heat_maps:
            return None
        letters = _strongest(details) / LETTER_LOGMAR
        scale = "" if letters < 0.5 else self.texts.words("heat.scale", n=f"{letters:.1f}")
        return {"scale": scale}

    def _legend(self) -> list[tuple[str, str]]:
        if not self.outlined:
            return []
        by_colour: dict[str, list[str]] = {}
        for name, colour in SURFACE_COLOURS.items():
            by_colour.setdefault(figures.rgb(colour), []).append(
                self.texts.words(f"surface.{name}")
            )
        legend = [(self.texts.words.list(names), colour) for colour, names in by_colour.items()]
        seen = {name for _, lesions in self.outlined.values() for name in lesions}
        return legend + [
            (self.texts.words(f"area.{name}"), figures.rgb(colour))
            for name, colour in LESION_COLOURS.items()
            if name in seen
        ]

    def _measures(self, details: EyeDetails) -> dict[str, Any] | None:
        w, scans = self.texts.words, details.scans
        if not scans:
            return None
        names = [
            name
            for name in ALWAYS
            if any(scan.measures[name] is not None for scan in scans.values())
        ]
        absent = []
        for sign, candidates in LESION_SIGNS.items():
            known = [
                name for name in candidates
                if any(scan.measures[name] is not None for scan in scans.values())
            ]  # fmt: skip
            shown = [
                name
                for name in known
                if any((scan.measures[name] or 0) > 0 for scan in scans.values())
            ]
            in_um = [name for name in shown if not name.endswith("_share")]
            names += in_um or shown
            if not shown and (known or sign == "hole"):
                absent.append(w(f"lesion.{sign}"))
        units = {one.name: one.unit for one in DEFINITIONS}
        rows = [
            {
                "name": w(f"measure.{name}"),
                "cells": [self._cell(name, units[name], scan) for scan in scans.values()],
                "usual": self._usual(name),
                "unit": self._unit(name, units[name]),
            }
            for name in names
        ]
        sources = [NORMAL_RANGES[name].source for name in names if name in NORMAL_RANGES]
        return {
            "views": [w.name("view", view) for view in scans],
            "rows": rows,
            "absent": w("measures.not_found", list=w.list(absent)) if absent else "",
            "source": w("measures.source", sources=w("list.semicolon").join(dict.fromkeys(sources)))
            if sources
            else "",
            "notes": self._scan_notes(details),
        }

    def _scan_notes(self, details: EyeDetails) -> list[str]:
        """Why something was not measured, said once where it is so in every scan."""
        by_note: dict[str, list[str]] = {}
        for view, scan in details.scans.items():
            why = [details.scale_notes[view]] if details.scale_notes.get(view) else []
            lengths = () if not why else ("the height of a pixel", "the distance of A-scans")
            for note in [*why, *scan.measures.notes]:
                if not note.startswith(lengths or ("\0",)):
                    by_note.setdefault(note, []).append(self.texts.words.name("view", view))
        return [
            self.texts.words.sentence(note)
            if len(views) == len(details.scans)
            else f"{self.texts.words.list(views)}: {self.texts.words.sentence(note)}"
            for note, views in by_note.items()
        ]

    def _unit(self, name: str, unit: str) -> str:
        if unit == "share":
            return self.texts.words("unit.share" if name == "membrane_share" else "unit.of_width")
        return self.texts.words(f"unit.{unit}")

    def _cell(self, name: str, unit: str, scan: MeasuredScan) -> dict[str, str]:
        value, w = scan.measures[name], self.texts.words
        if value is None:
            return {"text": "–", "mark": w("measures.dash"), "kind": "soft"}
        text = (
            f"{100 * value:.0f}"
            if unit == "share"
            else f"{value:.3g}"
            if unit == "mm2"
            else f"{value:.0f}"
        )
        normal = NORMAL_RANGES.get(name)
        if normal is not None:
            low, high = normal.limits
            if value < low or value > high:
                return {
                    "text": text,
                    "mark": w(f"measures.{'below' if value < low else 'above'}"),
                    "kind": "odd-value",
                }
        if name in NONE_IF_HEALTHY and value > 0:
            return {"text": text, "mark": w("measures.found"), "kind": "odd-value"}
        return {"text": text, "mark": "", "kind": ""}

    def _usual(self, name: str) -> str:
        normal = NORMAL_RANGES.get(name)
        if normal is not None:
            return "{}–{}".format(*normal.limits)
        return self.texts.words("measures.none" if name in NONE_IF_HEALTHY else "measures.no_range")


def _strongest(details: EyeDetails) -> float:
    """Largest absolute value of the heat maps of an eye, logMAR."""
    return max((float(np.nanmax(np.abs(heat))) for heat in details.heat_maps.values()), default=0.0)


def _data(kind: str, picture: bytes) -> str:
    """A picture as a data URI; it was encoded anew, so it carries no metadata."""
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
