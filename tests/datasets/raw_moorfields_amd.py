"""A made Moorfields AMD baseline table, with all that the published one is known to hold."""

HEADER = (
    "ID,DaysSinceBaseline,First_or_Second_Treated_Eye,Eye,FirstTreatedEye,Gender,Age_grouped,"
    "Ethnicity_grouped,InjectionGiven,InjectionNumber,VA_ETDRS,VAUnder1Letter,oct_shape,"
    "segmentation_voxel_size_um,Neurosensory_volume_voxels,RPE_volume_voxels,IRF_volume_voxels,"
    "SRF_volume_voxels,SHRM_volume_voxels,Drusen_volume_voxels,sPED_volume_voxels,"
    "fvPED_volume_voxels,HRF_volume_voxels,Neurosensory_thickness_um,IRF_thickness_um,"
    "SRF_thickness_um,SHRM_thickness_um,HRF_thickness_um,CST_um"
)

# ID, eye, sex, age, ethnicity, letters, word below one letter, CST
EYES = (
    (1, "Left", "Male", ">80", "White", "54", "NULL", "334.3412463"),
    (2, "Right", "Female", "70-79", "Asian", "0", "CF", "482.6"),
    (3, "Right", "Female", ">80", "Other or unknown", "0", "HM", "390.1"),
    (4, "Left", "Male", "60-69", "Black", "0", "NULL", "300"),
    (5, "Left", "Male", "50-59", "White", "101", "NULL", "310"),
    (6, "Right", "Female", "NULL", "White", "NULL", "NULL", "320"),
    (7, "Right", "Female", "NULL", "White", "100", "NULL", "0"),
)
SECOND = (3, 6)


def line(number, eye, sex, age, ethnicity, letters, word, cst):
    days = (-10, "FALSE", "NULL") if number % 2 else (0, "TRUE", 1)
    treated = "Second" if number in SECOND else "First"
    facts = (number, days[0], treated, eye, eye, sex, age, ethnicity, days[1], days[2], letters)
    volume = ("[128 885 512]", "[ 47.24399948   2.5999999   11.71899986]")
    measures = (6149781.2, 554558, 0, 120948.8, 265521.6, 10958.8, 1515.6, 1622454.4, 60)
    return ",".join(map(str, (*facts, word, *volume, *measures, 226.9, 0, 0, 107.3, 0, cst)))


def build(raw, eyes=EYES, header=HEADER):
    """UTF-8 with a byte-order mark and line ends of Windows, as published."""
    raw.mkdir(parents=True, exist_ok=True)
    text = "\r\n".join([header, *(line(*eye) for eye in eyes)]) + "\r\n"
    (raw / "AMD_baseline.csv").write_text(text, encoding="utf-8-sig", newline="")
    return raw
