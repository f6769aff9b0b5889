"""Detect a whole report page or a viewer's screenshot that is given as a scan.

A B-scan fills its picture from side to side, and speckle leaves no place of it even. A page or a
screen has ground of one even grey around its pictures, down whole columns, with text on it.
Black or white columns without text are padding. No column of 110 real and 160 simulated scans
is bare; of pages and screens 4 % and more are.
"""

import cv2
import numpy as np

_LARGEST_SIDE = 800  # pixels; larger pictures are thinned out, which keeps speckle as it is
_EVEN = 6  # grey levels within 5 x 5 pixels: lossy compression near letters
_BARE = 0.95  # share of a column that is ground or text on it
_MIN_COLUMNS = 0.15  # bare columns of the picture, unless both sides are bare
_MIN_ROWS = 0.3  # above the tallest bar of text that belongs to an export, see `borders`
_PAPER = 100  # grey levels: no vitreous is as bright
_BLACK, _WHITE = 12, 245
_INK = 0.0008  # share of the bare columns and rows that is text
_INK_CONTRAST = 60  # grey levels
_LINE = 0.04  # of the height: the tallest line of text


def looks_like_report_page(pixels: np.ndarray) -> bool:
    """Whether the picture is a page or a screen that holds scans, and no scan itself.

    Args:
        pixels: (H, W) uint8, as exported.
    """
    step = max(1, max(pixels.shape) // _LARGEST_SIDE)
    picture = np.ascontiguousarray(pixels[::step, ::step])
    window = np.ones((5, 5), np.uint8)
    even = cv2.subtract(cv2.dilate(picture, window), cv2.erode(picture, window)) <= _EVEN
    if not even.any():
        return False
    level = int(cv2.calcHist([picture], [0], even.astype(np.uint8), [256], [0, 256]).argmax())
    away = cv2.absdiff(picture, np.full_like(picture, level))
    ground = (even & (away <= _EVEN)).astype(np.uint8)
    line = max(7, round(_LINE * picture.shape[0]))
    written = cv2.morphologyEx(ground, cv2.MORPH_CLOSE, np.ones((line, line), np.uint8))
    columns, rows = written.mean(axis=0) > _BARE, written.mean(axis=1) > _BARE
    bare = columns | rows[:, None]
    ink = (written > ground) & (away >= _INK_CONTRAST) & bare
    has_ink = bool(ink.sum() > _INK * bare.sum())
    edge = max(2, len(columns) // 200)
    framed = bool(columns[:edge].all() and columns[-edge:].all())
    if not (framed or columns.mean() >= _MIN_COLUMNS):
        return level >= _PAPER and rows.mean() >= _MIN_ROWS and has_ink
    return _BLACK < level < _WHITE or has_ink
