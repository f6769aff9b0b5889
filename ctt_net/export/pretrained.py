"""A model to be given away: its folds, its figures and a card; no patient's row."""

import shutil
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.errors import InputError
from ctt_net.inference.model_info import info_lines, model_info, own_metrics
from ctt_net.io.atomic_folder import new_folder
from ctt_net.model_folder.digests import files_digests
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import PROVENANCE_FILE

CARD_FILE = "README.md"


def save_pretrained(
    predictor: Predictor, folder: Path | str, note: str = "", overwrite: bool = False
) -> Path:
    """Write a folder that `load_model` takes, here or on another machine, and that a hub shows.

    It holds `fold_<k>/model/` of each member, `metrics.json` where the run has one, and a card
    (`README.md`): what `ctt-net info` says. The predictions of the training's eyes stay behind.
    `provenance.json` in each fold still has salted fingerprints of the training's patients and
    scans: who holds an id or a scan can find out whether it took part.

    Args:
        predictor: The model.
        folder: To make.
        note: For the card: whom to ask, what to cite, under which licence.
        overwrite: Replace an existing folder.

    Returns:
        The folder.

    Raises:
        InputError: If the folder exists or cannot be written.
    """
    folder = Path(folder)
    metrics = own_metrics(predictor)
    with new_folder(folder, replace=overwrite) as beside:
        for number, member in enumerate(predictor.members, 1):
            of_run = member.folder.name == "model" and member.folder.parent.name.startswith("fold_")
            name = member.folder.parent.name if of_run else f"fold_{number}"
            place = beside / name / "model"
            place.mkdir(parents=True)
            for file in (*files_digests(member.folder), PROVENANCE_FILE):
                shutil.copyfile(member.folder / file, place / file)
        if metrics is not None:
            shutil.copyfile(metrics, beside / metrics.name)
        copied = Predictor.load(beside)  # verifies every file
        if copied.digest != predictor.digest:
            raise InputError(f"{predictor.members[0].folder}: changed while it was read; try again")
        (beside / CARD_FILE).write_text(card(copied, note), encoding="utf-8")
    return folder


def card(predictor: Predictor, note: str = "") -> str:
    """The model card, Markdown with the header that hubs read.

    Args:
        predictor: The model.
        note: As for `save_pretrained`.
    """
    info = model_info(predictor)
    rows = "".join(
        f"| {name} | {value.replace('|', '&#124;')} |\n" for name, value in info_lines(info)
    )
    simulated = "**Trained on simulated eyes: no clinical validity.** " if info["synthetic"] else ""
    return f"""---
library_name: ctt-net
tags: [ophthalmology, optical-coherence-tomography, visual-acuity]
---
# {info["name"]}
{simulated}**{INTENDED_USE}**
{f"{chr(10)}{note.strip()}{chr(10)}" if note.strip() else ""}
| | |
|---|---|
{rows}
## Use
```sh
ctt-net info FOLDER                                     # verifies the files
ctt-net predict PATIENT --model FOLDER --out OUT
```

It predicts the postoperative visual acuity of cataract eyes from preoperative OCT B-scans and the
preoperative acuity. Measure it on eyes of your own before you believe it:
`ctt-net evaluate FOLDER COHORT --out OUT`.
"""
