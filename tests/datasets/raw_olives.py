"""A made OLIVES label table, PRIME and TREX-DME: one row per B-scan, 49 of them per visit."""

import numpy as np
from PIL import Image

HEADER = "File_Path,Visit,Label,BCVA,CST,Eye_ID,Patient_ID,Ind"

# folder, first number, suffix, Visit, Label, BCVA, CST, Eye_ID, Patient_ID
VISITS = (
    ("/Prime_FULL/01-001/W0/OD/{}.tif", 0, 1, 0, 70, 300, 1, 1),
    ("/Prime_FULL/01-001/W4/OD/{}.tif", 0, 2, 0, 74, 290, 1, 1),
    ("/Prime_FULL/01-001/W24/OD/{}.tif", 0, 3, 0, 80, 260, 1, 1),
    ("/Prime_FULL/01-002/W0/OS/{}.tif", 0, 1, 0, 85, 310, 2, 2),
    ("/Prime_FULL/01-002/W104/OS/{}.tif", 0, 2, 0, 83, 300, 2, 2),
    ("/TREX DME/GILA/0234GOD/V1/OD/TREX_DME_{:06d}.tif", 100, 1, 1, 60, 450, 3, 3),
    ("/TREX DME/GILA/0234GOD/V5/OD/TREX_DME_{:06d}.tif", 500, 5, 1, 68, 330, 3, 3),
    ("/TREX DME/GILA/0234GOS/V1/OS/TREXJ_{:06d}.jpg", 100, 1, 1, 55, 460, 4, 3),
    ("/TREX DME/GILA/0234GOS/V4/OS/TREXA_000004_{:06d}.JPG", 400, 4, 1, 61, 380, 4, 3),
    ("/Prime_FULL/02-003/W4/OD/{}.tif", 0, 2, 0, 90, 250, 5, 5),  # no first visit
    ("/Prime_FULL/02-003/W8/OD/{}.tif", 0, 3, 0, 91, 250, 5, 5),
    ("/Prime_FULL/02-004/W0/OD/{}.tif", 0, 1, 0, 77, 280, 6, 6),  # one visit only
)


def lines(visits=VISITS, bscans=49):
    """Rows of the table, in the order of the visits."""
    rows = []
    for path, first, *facts in visits:
        for number in range(first, first + bscans):
            rows.append(",".join(map(str, [path.format(number), *facts, len(rows)])))
    return rows


def build(raw, rows=None, pictures=(), name="prime_trex_compressed.csv"):
    """The table, and a picture at each of the paths asked for."""
    raw.mkdir(parents=True, exist_ok=True)
    (raw / name).write_text("\n".join([HEADER, *(rows or lines())]) + "\n", encoding="utf-8")
    for level, picture in enumerate(pictures):
        rng = np.random.default_rng(level)
        pixels = np.clip(rng.normal(30, 8, (496, 504)), 0, 255)
        pixels[230:300] = np.clip(rng.normal(190, 10, (70, 504)), 0, 255)
        path = raw / picture
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return raw
