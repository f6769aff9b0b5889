"""The evaluation log: every evaluation on held-out eyes is recorded and counted.

Whoever evaluates several times on one test set and keeps the best figure reports one that is too
good, even if no model was trained on it. Software cannot prevent that; it can count. The log is a
folder `evaluations/` of a run, with a file for each evaluation that is never overwritten, so that
two evaluations at once lose none, on a network drive neither
(docs/concepts/test_set_evaluations.md).
"""

import datetime
import hashlib
import os
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ctt_net import INTENDED_USE, __version__
from ctt_net.cohort import Cohort
from ctt_net.data.scans import Scans
from ctt_net.errors import InputError, count_of
from ctt_net.io import renamed
from ctt_net.io.json_file import read_json, write_json
from ctt_net.model_folder.member import ONNX_FILE
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import fingerprint, new_salt
from ctt_net.model_folder.spec import SPEC_FILE

EVALUATIONS_FOLDER = "evaluations"
WEIGHTS_FILES = ("model.safetensors", ONNX_FILE, SPEC_FILE)

# Of the smaller of two sets of eyes. Fewer in common may be chance: two hospitals that both count
# their eyes from 1, with an acuity of 0.5 before and 1.0 after.
SAME_COHORT_SHARE = 0.1

# Evaluations that metrics.json lists; the rest are counted.
LISTED = 50


@dataclass(frozen=True)
class EvaluationRecord:
    """One evaluation on held-out eyes. It holds no result, so that nobody can tune by it.

    Args:
        evaluated: When, ISO 8601, UTC.
        cohort: Name of the cohort.
        n_eyes: Eyes of known outcome.
        model: Digest of the weights.
        version: Of ctt-net.
        salt: Key of the fingerprints, hexadecimal; that of the model's own.
        cohort_digest: Of all eyes with their acuities.
        eyes: Fingerprint of each eye: its ids and acuities.
        scans: Fingerprint of the first scan of each eye, as the network takes it.
        training_eyes_allowed: Whether eyes of the training might have been among them.
        intended_use: The sentence that goes with every result.
    """

    evaluated: str
    cohort: str
    n_eyes: int
    model: str
    version: str
    salt: str
    cohort_digest: str
    eyes: tuple[str, ...]
    scans: tuple[str, ...]
    training_eyes_allowed: bool = False
    intended_use: str = INTENDED_USE

    def __post_init__(self) -> None:
        bytes.fromhex(self.salt)  # a ValueError here means a damaged file
        if not isinstance(self.evaluated, str) or not isinstance(self.n_eyes, int):
            raise TypeError("evaluated is a date, n_eyes a number")
        object.__setattr__(self, "eyes", tuple(map(str, self.eyes)))
        object.__setattr__(self, "scans", tuple(map(str, self.scans)))


@dataclass(frozen=True)
class TestSetUse:
    """How often these eyes were evaluated on.

    Args:
        figures: For `metrics.json`, under `test_set`.
        warnings: What a reader must know, in words.
    """

    __test__ = False  # no test, whatever pytest makes of the name

    figures: dict[str, Any]
    warnings: list[str]


def record_evaluation(
    predictor: Predictor, cohort: Cohort, scans: Scans, training_eyes_allowed: bool = False
) -> TestSetUse:
    """Record that a model is evaluated on these eyes now, and count all evaluations so far.

    Eyes without an outcome do not count.

    Args:
        predictor: The model.
        cohort: The eyes.
        scans: Theirs, as the network takes them.
        training_eyes_allowed: Whether eyes of the training may be among them.
    """
    eyes = _Eyes(cohort, scans)
    if not eyes.names:
        return TestSetUse({}, [])
    # A bundle without fingerprints has no key either.
    salt = predictor.members[0].provenance.salt or new_salt()
    names, first_scans = eyes.fingerprints(salt)
    now = EvaluationRecord(
        evaluated=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        cohort=cohort.spec.name,
        n_eyes=len(names),
        model=weights_digest(predictor),
        version=__version__,
        salt=salt,
        cohort_digest=fingerprint("".join(sorted(names)).encode(), salt),
        eyes=tuple(sorted(names)),
        scans=tuple(sorted(set(first_scans) - {""})),
        training_eyes_allowed=training_eyes_allowed,
    )
    place = record_folder(predictor)
    stamp = now.evaluated.replace("-", "").replace(":", "")
    own = place / EVALUATIONS_FOLDER / f"{stamp}-{secrets.token_hex(4)}.json"
    # Recorded first and counted then: of two evaluations at once the later one counts both.
    try:
        write_json(own, asdict(now))
        recorded = True
    except InputError:
        recorded = False
    found, damaged = read_records(place)
    earlier = [
        (path.parents[1].name, one, shared)
        for path, one in found
        if path != own and (shared := eyes.shared_with(one))
    ]
    others = [one for _, one, _ in earlier if one.model != now.model]
    figures = {
        "evaluations": 1 + len(earlier),
        "by_this_model": 1 + len(earlier) - len(others),
        "by_other_models": len(others),
        "other_models": len({one.model for one in others}),
        "first": min([now.evaluated, *(one.evaluated for _, one, _ in earlier)]),
        "now": now.evaluated,
        "recorded": recorded,
        "model": now.model,
        "cohort_digest": now.cohort_digest,
        "earlier": [
            {
                **{k: getattr(one, k) for k in ("evaluated", "cohort", "n_eyes")},
                "shared_eyes": shared,
                "model": one.model,
                "version": one.version,
                "run": run,
            }
            for run, one, shared in earlier[-LISTED:]
        ],
    }
    return TestSetUse(figures, _warnings(figures, damaged, place))


def read_records(place: Path) -> tuple[list[tuple[Path, EvaluationRecord]], list[Path]]:
    """Records of a run or model folder and of those beside it, oldest first.

    Args:
        place: Run or model folder.

    Returns:
        Files with what they say, and files that cannot be read.
    """
    found, damaged = {}, []
    folders = [place.resolve(), *sorted(place.resolve().parent.glob("*"))]
    for folder in folders:
        for name in (EVALUATIONS_FOLDER, renamed.EVALUATIONS_FOLDER):
            for path in (folder / name).glob("*.json"):
                if path.name in found:  # of a run that was copied with its log
                    continue
                try:
                    found[path.name] = path, read_json(path, _record)
                except (InputError, OSError):
                    if path not in damaged:
                        damaged.append(path)
    return sorted(found.values(), key=lambda one: (one[1].evaluated, one[0].name)), damaged


def _record(data: dict[str, Any]) -> EvaluationRecord:
    return EvaluationRecord(**renamed.current(data, renamed.EVALUATION_KEYS))


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
    """Eyes of known outcome, recognisable under every key."""

    def __init__(self, cohort: Cohort, scans: Scans) -> None:
        known = np.flatnonzero(cohort.table["postop_logmar"].notna())
        columns = ["eye_id", "patient_id", "preop_logmar", "postop_logmar"]
        rows = cohort.table[columns].iloc[known].itertuples(index=False, name=None)
        self.names = [
            f"{eye}\n{patient}\n{preop:.3f}\n{postop:.3f}".encode()
            for eye, patient, preop, postop in rows
        ]
        # Hashed without a key once, since there may be many keys and scans are long.
        self.scans = []
        for position in known:
            first = scans.pixels[position][scans.present[position]][:1]
            self.scans.append(hashlib.sha256(first.tobytes()).digest() if len(first) else b"")

    def fingerprints(self, salt: str) -> tuple[list[str], list[str]]:
        """Of each eye and of its first scan, the latter empty if it has none."""
        names = [fingerprint(name, salt) for name in self.names]
        return names, [fingerprint(scan, salt) if scan else "" for scan in self.scans]

    def shared_with(self, record: EvaluationRecord) -> int:
        """How many of these eyes an earlier evaluation had; 0 if so few that it may be chance."""
        names, scans = set(record.eyes), set(record.scans)
        pairs = zip(*self.fingerprints(record.salt), strict=True)
        shared = sum(name in names or scan in scans for name, scan in pairs)
        fewer = min(len(self.names), record.n_eyes)
        return shared if shared >= max(1.0, SAME_COHORT_SHARE * fewer) else 0


def _warnings(figures: dict[str, Any], damaged: list[Path], place: Path) -> list[str]:
    out = []
    times, others, day = figures["evaluations"], figures["by_other_models"], figures["first"][:10]
    if others:
        models = count_of(figures["other_models"], "other model")
        out.append(
            f"These held-out eyes, or some of them, were evaluated on {times} times (first on "
            f"{day}), {others} of them by {models}: the smallest error of several evaluations is "
            f"too small. Report every evaluation, or measure the chosen model once on eyes that "
            f"no model was evaluated on."
        )
    elif times > 1:
        out.append(
            f"These held-out eyes, or some of them, were evaluated on {times} times by this model "
            f"(first on {day}): if anything was changed in between, they are no longer unseen."
        )
    if not figures["recorded"]:
        out.append(
            f"This evaluation could not be recorded, since the folder {place.name} may not be "
            f"written: evaluations from here are not counted."
        )
    if damaged:
        which = "/".join(damaged[0].parts[-3:])
        out.append(
            f"{count_of(len(damaged), 'record')} of earlier evaluations cannot be read ({which}): "
            f"the count may be too low."
        )
    return out
