"""What devices and exports draw over or around a B-scan: how each is found, and how it is removed.

`ctt_net.imaging.read_bscan` runs all of it on every scan it reads. To start reading, open
`remove.py`: its two functions call the detectors and fill what they find.

| artifact | found by | then |
|---|---|---|
| scan-direction mark of Cirrus (square, arrow, T N S I) | `direction_mark.find_mark` | filled |
| letters of that mark: which ends the scan runs between | `scan_ends.read_ends` | `BScan.ends` |
| coloured arrows and calipers | `remove.without_marks`, by colour | filled |
| burnt-in text: names, dates, signal values | `text.text_boxes`, from `strokes` | filled |
| uncoloured rulers, scale bars, calipers, arrows | `rulers.ruler_parts`, from `strokes` | filled |
| bars with dark text at the upper or lower edge | `borders.find_bars` | blackened |
| white padding of motion correction | `borders.white_margin` | blackened |
| en-face panel beside the B-scan (Heidelberg) | `panel.find_panel` | cropped |
| a whole report page or screenshot | `report_page.looks_like_report_page` | reported only |

All of them measure the picture itself; no text is recognised. `find_text` returns the boxes of
everything written or drawn in grey. How thresholds were measured: docs/concepts/scan_facts.md.
Boxes and the filling itself are in `fill`.

Example:
    >>> import numpy as np
    >>> from ctt_net.imaging import find_text
    >>> find_text(np.zeros((496, 768), np.uint8))
    []
"""
