"""A made hospital export in the layout that the published CTT-Net code reads.

Sixteen columns by position (A to P), one CSV, a folder of pictures per patient. Here D holds the
eye; the layout itself does not say where it stands. Q is a remark.
"""

import numpy as np
from PIL import Image

HEADER = (
    "编号,姓名,次序,眼别,年龄,部位,日期,术前文件,晶体,术前视力,术前设备,"
    "日期,术后文件,人工晶体,术后视力,术后设备,备注"
)
SUFFIXES = {"": ".tif", "海德堡": ".tif", "蔡司": ".tiff", "科林": ".jpg"}

# id, name, C, eye, age, F, -, H, -, preop, maker, -, M, -, postop, maker, remark
ROWS = (
    "101,张一,1,右眼,70,黄斑,d,2019_01_02,x,0.3,海德堡,d,2019_03_04,x,0.8,海德堡,",
    "102,李二,1,左眼,65,黄斑,d,20190203,x,指数/眼前30cm,蔡司,d,20190405,x,0.5,蔡司,",
    "103,王三,1,右眼,80,黄斑,d,20190301,x,HM/20cm,科林,d,20190501,x,0.2,科林,",
    "104,赵四,1,左眼,77,黄斑,d,20190401,x,0.1,,d,20190601,x,0.6,,",
    "105,钱五,1,右眼,71,黄斑,d,20190501,x,0.2,海德堡,d,20190701,x,0.9,蔡司,换了设备",
    "106,孙六,1,左眼,69,黄斑,d,20190601,x,0.4,蔡司,d,20190801,x,,蔡司,",
    "107,周七,1,右眼,60,黄斑,d,20190701,x,0.4,蔡司,d,20190901,x,1.0,蔡司,无图",
)
NO_PICTURES = ("107",)


def write_picture(path, maker, level=0):
    """A scan as each maker exports it: Heidelberg with the SLO panel at its left."""
    rng = np.random.default_rng(level)
    pixels = np.clip(rng.normal(30, 8, (496, 768)), 0, 255)
    pixels[230:300] = np.clip(rng.normal(190, 10, (70, 768)), 0, 255)
    if maker == "海德堡":
        slo = np.clip(rng.normal(110, 25, (496, 496)), 0, 255)
        pixels = np.hstack([slo, pixels])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def build(raw, rows=ROWS, header=HEADER, encoding="utf-8", after=True):
    """Write table and pictures, the postoperative ones too."""
    raw.mkdir(parents=True, exist_ok=True)
    text = "\r\n".join([header, *rows]) + "\r\n"
    (raw / "eyes.csv").write_bytes(text.encode(encoding))
    for number, row in enumerate(rows):
        cells = row.split(",")
        if not cells[0] or cells[0] in NO_PICTURES:
            continue
        write_pictures(raw, cells, 10 * number, after)
    return raw


def write_pictures(raw, cells, level=0, after=True):
    """Both views of one row, before and after surgery."""
    parts = [(cells[7], cells[10]), (cells[12], cells[15])]
    for step, (part, maker) in enumerate(parts if after else parts[:1]):
        for turn, view in enumerate(("横扫", "纵扫")):
            name = f"{cells[1]}_{cells[2]}_{part}_{cells[5]}_{view}_{maker}{SUFFIXES[maker]}"
            write_picture(raw / "oct" / cells[0] / name, maker, level + 2 * step + turn)
