"""A locked test: every look at held-out eyes is recorded and counted.

Whoever looks at a test set several times and keeps the best figure reports one that is too good,
even if no model was ever trained on it. Software cannot prevent the looks; it can count them.
"""

import datetime
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ctt_net import __version__
from ctt_net.cohort import Cohort
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError, count_of
from ctt_net.inference.evaluation_log import Opening, read_openings, write_opening
from ctt_net.model_folder.member import ONNX_FILE
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import fingerprint, new_salt
from ctt_net.model_folder.spec import SPEC_FILE

WEIGHTS_FILES = ("model.safetensors", ONNX_FILE, SPEC_FILE)

# Of the smaller of two sets of eyes. Fewer in common may be chance: two hospitals that both count
# their eyes from 1, with an acuity of 0.5 before and 1.0 after.
SAME_COHORT_SHARE = 0.1

# Looks that metrics.json lists; the rest are counted.
LISTED = 50


@dataclass(frozen=True)
class LockedTest:
    """How often these eyes were looked at.

    Args:
        figures: For `metrics.json`, under `locked_test`.
        warnings: What a reader must know, in words.
    """

    figures: dict[str, Any]
    warnings: list[str]


def open_locked_test(
    predictor: Predictor, cohort: Cohort, scans: Scans, training_eyes_allowed: bool = False
) -> LockedTest:
    """Record that the outcomes of these eyes are looked at now, and count all looks so far.

    Eyes without an outcome show nothing and do not count.

    Args:
        predictor: The model that they are compared with.
        cohort: The eyes.
        scans: Theirs, as the network sees them.
        training_eyes_allowed: Whether eyes of the training may be among them.
    """
    eyes = _Eyes(cohort, scans)
    if not len(eyes):
        return LockedTest({}, [])
    # A bundle without fingerprints has no key either.
    salt = predictor.members[0].provenance.salt or new_salt()
    names, pixels = eyes.fingerprints(salt)
    now = Opening(
        opened=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        cohort=cohort.spec.name,
        n_eyes=len(names),
        model=weights_digest(predictor),
        version=__version__,
        salt=salt,
        cohort_digest=fingerprint("".join(sorted(names)).encode(), salt),
        eyes=tuple(sorted(names)),
        scans=tuple(sorted(set(pixels) - {""})),
        training_eyes_allowed=training_eyes_allowed,
    )
    place = record_folder(predictor)
    # Recorded first and counted then: of two evaluations at once the later one sees both.
    try:
        own: Path | None = write_opening(now, place)
    except InputError:
        own = None
    found, damaged = read_openings(place)
    looks = [
        (path, look, shared)
        for path, look in found
        if path != own and (shared := eyes.shared_with(look))
    ]
    return _counted(now, own is not None, looks, damaged, place)


def record_folder(predictor: Predictor) -> Path:
    """The run folder of a model; the model folder itself where there is no run around it."""
    folders = [member.folder.resolve() for member in predictor.members]
    if all(re.fullmatch(r"fold_[1-9]\d*/model", "/".join(one.parts[-2:])) for one in folders):
        folders = [folder.parents[1] for folder in folders]
    return Path(os.path.commonpath(folders))


def weights_digest(predictor: Predictor) -> str:
    """What tells one trained ensemble from another, whatever it is called."""
    digests = []
    for member in predictor.members:
        path = next(path for name in WEIGHTS_FILES if (path := member.folder / name).is_file())
        digests.append(hashlib.sha256(path.read_bytes()).digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()[:24]


class _Eyes:
    """Eyes of known outcome, recognisable under every key.

    Args:
        cohort: The eyes.
        scans: Theirs.
    """

    def __init__(self, cohort: Cohort, scans: Scans) -> None:
        known = np.flatnonzero(cohort.table["postop_logmar"].notna())
        columns = ["eye_id", "patient_id", "preop_logmar", "postop_logmar"]
        rows = cohort.table[columns].iloc[known].itertuples(index=False, name=None)
        self._names = [
            f"{eye}\n{patient}\n{preop:.3f}\n{postop:.3f}".encode()
            for eye, patient, preop, postop in rows
        ]
        # Hashed without a key once, since there may be many keys and scans are long.
        self._scans = [_first_scan(scans, int(position)) for position in known]

    def __len__(self) -> int:
        return len(self._names)

    def fingerprints(self, salt: str) -> tuple[list[str], list[str]]:
        """Of each eye and of its first scan, the latter empty if it has none."""
        names = [fingerprint(name, salt) for name in self._names]
        return names, [fingerprint(scan, salt) if scan else "" for scan in self._scans]

    def shared_with(self, look: Opening) -> int:
        """How many of these eyes an earlier look saw; 0 if so few that it may be chance."""
        names, scans = set(look.eyes), set(look.scans)
        pairs = zip(*self.fingerprints(look.salt), strict=True)
        shared = sum(name in names or scan in scans for name, scan in pairs)
        fewer = min(len(self._names), look.n_eyes)
        return shared if shared >= max(1.0, SAME_COHORT_SHARE * fewer) else 0


def _first_scan(scans: Scans, position: int) -> bytes:
    views = np.flatnonzero(scans.present[position])
    if not len(views):
        return b""
    pixels = np.ascontiguousarray(scans.pixels[position, views[0]])
    return hashlib.sha256(pixels.tobytes()).digest()


def _counted(
    now: Opening,
    recorded: bool,
    looks: Sequence[tuple[Path, Opening, int]],
    damaged: Sequence[Path],
    place: Path,
) -> LockedTest:
    """The count with this look, and what it means."""
    others = [look for _, look, _ in looks if look.model != now.model]
    first = min([now.opened, *(look.opened for _, look, _ in looks)])
    figures = {
        "opened": 1 + len(looks),
        "by_this_model": 1 + len(looks) - len(others),
        "by_other_models": len(others),
        "other_models": len({look.model for look in others}),
        "first_opened": first,
        "opened_now": now.opened,
        "recorded": recorded,
        "model": now.model,
        "cohort_digest": now.cohort_digest,
        "earlier": [
            {
                "opened": look.opened,
                "cohort": look.cohort,
                "n_eyes": look.n_eyes,
                "shared_eyes": shared,
                "model": look.model,
                "version": look.version,
                "run": path.parents[1].name,
            }
            for path, look, shared in looks[-LISTED:]
        ],
    }
    return LockedTest(figures, _warnings(figures, damaged, place))


def _warnings(figures: dict[str, Any], damaged: Sequence[Path], place: Path) -> list[str]:
    out = []
    times, others, day = figures["opened"], figures["by_other_models"], figures["first_opened"][:10]
    if others:
        models = count_of(figures["other_models"], "other model")
        out.append(
            f"These held-out eyes, or some of them, were opened {times} times (first on {day}), "
            f"{others} of them by {models}: the smallest "
            f"error of several looks is too small. Report every look, or measure the chosen model "
            f"once on eyes that nobody has opened."
        )
    elif times > 1:
        out.append(
            f"These held-out eyes, or some of them, were opened {times} times by this model (first "
            f"on {day}): if anything was changed after a look, they are no longer unseen."
        )
    if not figures["recorded"]:
        out.append(
            f"This look at the held-out eyes could not be recorded, since the folder "
            f"{place.name} may not be written: looks from here are not counted."
        )
    if damaged:
        which = "/".join(damaged[0].parts[-3:])
        out.append(
            f"{count_of(len(damaged), 'record')} of earlier looks cannot be "
            f"read ({which}): the count may be too low."
        )
    return out
