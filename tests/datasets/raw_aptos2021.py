"""Made APTOS 2021 exports, preliminary and final round, in the layouts reported of them."""

import numpy as np
from PIL import Image

ROUND1_HEADER = (
    "patient ID,gender,age,diagnosis,preVA,anti-VEGF,preCST,preIRF,preSRF,prePED,preHRF,"
    "VA,continue injection,CST,IRF,SRF,PED,HRF"
)
ROUND1 = (
    "0000-0004L,1,61,1,0.4,1,380,1,0,0,0,0.2,1,300,0,0,0,0",
    "0000-0004R,1,61,1,0.7,1,410,1,1,0,0,0.52,0,280,0,0,0,0",
    "0000-0007L,2,70,3,2.3,2,500,0,1,1,0,1.0,1,450,0,1,1,0",
    "0000-0008R,2,55,3,-0.1,1,250,0,0,0,1,-0.1,6,240,0,0,0,0",
    "0000-0009R,1,80,5,nan,1,300,1,0,0,0,0.3,0,290,0,0,0,0",
    "0000-0010L,2,66,1,0.3,1,310,1,0,0,0,nan,0,290,0,0,0,0",
    "0000-0011,2,66,1,0.3,1,310,1,0,0,0,0.2,0,290,0,0,0,0",
    "0000-1765R,1,59,2,3.0,1,320,1,0,0,0,2.7,0,290,0,0,0,0",
)
# The folder is the eye's for some, the patient's for others.
ROUND1_FOLDERS = {"0000-0004L": "0000-0004", "0000-0004R": "0000-0004"}
FINAL_HEADER = "patient ID,gender,age,diagnosis,anti-VEGF,preVA,preCST,VA,CST,continue injection"
FINAL = (
    "102R,Male ,60,DME,Ozurdex,0.319999993,400,0.670000017,300,1",
    "102L,Male,60,DME,Ozrudex,0.5,380,0.800000012,290,0",
    "103R,Female,72,PCV,Avastin,0.008,510,NLP,480,1",
    "104L,Female,50,CNVM,Lucentis,0.100000001,350,0.25,300,0",
)
FINAL_PICTURES = {
    "102R": ["2", "10", "12 (3)"],
    "102L": ["6_001005", "6_001001", "6_001003", "6_001004"],
    "103R": ["99._000001"],
}
BEFORE, AFTER = "Pre Injection OCT Images", "Post Injection OCT Images"


def write_table(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def write_picture(path, level=0):
    """A composite: SLO at the left, the B-scan in the right 768 of 1264 columns."""
    rng = np.random.default_rng(level)
    bscan = np.clip(rng.normal(30, 8, (496, 768)), 0, 255)
    bscan[230:300] = np.clip(rng.normal(190, 10, (70, 768)), 0, 255)
    slo = np.clip(rng.normal(110, 25, (496, 496)), 0, 255)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.hstack([slo, bscan]).astype(np.uint8)).save(path, quality=90)


def build_round1(raw, rows=ROUND1, views=2):
    """Table, pictures before (`_1000`, ...) and after (`_2000`) treatment, one odd name."""
    write_table(raw / "train_anno_stage1.csv", ROUND1_HEADER, rows)
    for number, row in enumerate(rows):
        eye = row.split(",")[0]
        folder = raw / "train" / ROUND1_FOLDERS.get(eye, eye)
        for view in range(views):
            write_picture(folder / f"{eye}_{1000 + view}.jpg", 10 * number + view)
        write_picture(folder / f"{eye}_2000.jpg", 10 * number + 9)
    write_picture(raw / "train" / "0000-1765R" / "0000-1765R_2 (1).jpg", 99)
    return raw


def build_final(raw, rows=FINAL):
    """Table, and a folder of pictures before and after treatment for all eyes but the last."""
    write_table(raw / "train_anno_case_stage2.csv", FINAL_HEADER, rows)
    for eye, names in FINAL_PICTURES.items():
        for number, name in enumerate(names):
            write_picture(raw / "train" / eye / BEFORE / f"{name}.jpg", number + len(eye + name))
            write_picture(raw / "train" / eye / AFTER / f"{name}.jpg", number + 50)
    return raw
