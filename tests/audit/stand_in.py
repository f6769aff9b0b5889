"""Cheap eyes of known truth, and models that read the lesion, or something else, in plain numpy.

A scan is a bright band on dark noise; a lesion darkens its middle; a cataract dims it all. The
picture is made for the audit alone: nothing here looks like an eye.
"""

from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd

from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, View, write_cohort
from ctt_net.imaging import Preprocessing
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.model_folder.provenance import Provenance, fingerprints
from ctt_net.model_folder.spec import ModelSpec
from ctt_net.outcome import DEFAULT_OUTCOMES

HEIGHT, WIDTH = 128, 192
SITES = ("north", "south", "west")
DEVICES = ("one", "two")
SALT = "00" * 16


def draw_eyes(n_patients, seed, bilateral=0.3):
    """Table of eyes with `lesion` and `lens`, which no cohort would know."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n_patients):
        site, device = rng.choice(SITES), rng.choice(DEVICES)
        age = float(np.clip(rng.normal(72, 9), 45, 95))
        burden, density = rng.normal(), rng.normal()
        for side in ("OD", "OS")[: 1 + (rng.uniform() < bilateral)]:
            lesion = 0.35 * max(0.0, 0.8 * burden + 0.6 * rng.normal() - 0.2)
            lens = 0.3 * np.exp(0.5 * (0.7 * density + 0.7 * rng.normal()))
            potential = 0.02 + 0.003 * (age - 72) + lesion
            rows.append(
                {
                    "eye_id": f"p{seed}-{number:04d}-{side}",
                    "patient_id": f"p{seed}-{number:04d}",
                    "laterality": side,
                    "preop_va": round(potential + lens + rng.normal(0, 0.06), 2),
                    "postop_va": round(potential + rng.normal(0, 0.06), 2),
                    "site": str(site),
                    "device": str(device),
                    "age_years": round(age, 1),
                    "sex": str(rng.choice(["F", "M"])),
                    "lesion": lesion,
                    "lens": lens,
                }
            )
    return pd.DataFrame(rows)


def draw_scan(eye, rng):
    """(128, 192) grey."""
    two = eye["device"] == "two"
    light = np.exp(-0.3 * eye["lens"] + rng.normal(0, 0.15)) * (0.8 if two else 1.0)
    x = np.linspace(-1, 1, WIDTH)
    middle = 66 + rng.normal(0, 3) + 5 * rng.normal() * x
    thick = 14 + rng.normal(0, 1)
    level = 190 * light * (1 - 0.85 * min(eye["lesion"], 1.1) * np.exp(-((x / 0.2) ** 2)))
    rows = np.arange(HEIGHT)[:, None]
    band = 1 / (1 + np.exp(-(thick - np.abs(rows - middle)) / 1.5))
    below = 0.35 * (rows > middle) * np.exp(-(rows - middle) / 25)
    noise = rng.normal(0, 11 if two else 7, (HEIGHT, WIDTH))
    return np.clip(22 + band * level + below * 190 * light * (1 - band) + noise, 0, 255).astype(
        np.uint8
    )


class Cohort:
    """Eyes and scans, open to change until they are written."""

    def __init__(self, n_patients=120, seed=0):
        self.seed = seed
        self.eyes = draw_eyes(n_patients, seed)
        self.covariates = {
            "age_years": Covariate(kind="numeric", unit="years"),
            "sex": Covariate(kind="categorical", levels=("F", "M")),
        }
        self._scans = None

    @property
    def scans(self):
        """Drawn once asked for, so that a fault planted before (a device, say) is drawn too."""
        if self._scans is None:
            rng = np.random.default_rng((self.seed, 1))
            self._scans = [draw_scan(eye, rng) for eye in self.eyes.to_dict("records")]
        return self._scans

    @property
    def worse(self):
        """(E,) bool: what remains of the outcome beyond preop acuity lies in its upper half."""
        fit = np.polyfit(self.eyes["preop_va"], self.eyes["postop_va"], 1)
        left = self.eyes["postop_va"] - np.polyval(fit, self.eyes["preop_va"])
        return (left > left.median()).to_numpy()

    def write(self, folder):
        (folder / "images").mkdir(parents=True)
        table = self.eyes.drop(columns=["lesion", "lens"])
        table["horizontal"] = [f"images/{number:04d}.png" for number in range(len(table))]
        for path, scan in zip(table["horizontal"], self.scans, strict=True):
            assert cv2.imwrite(str(folder / path), scan)
        spec = CohortSpec(
            name="stand_in",
            source="drawn for a test",
            licence="Apache-2.0",
            citation="none",
            synthetic=True,
            acuity=AcuityColumns(preop_va="logmar", postop_va="logmar"),
            views={"horizontal": View(direction="horizontal", angle_deg=0.0)},
            covariates=self.covariates,
        )
        write_cohort(folder, spec, table)
        return folder


def reads_the_lesion(scan):
    """Darkness of the band's middle beside its sides."""
    rows = scan[44:90]
    middle = rows[:, 88:104].max(axis=0).mean()
    sides = rows[:, np.r_[10:50, 142:182]].max(axis=0).mean()
    return 0.02 + (1 - middle / sides) / 0.85


def reads_the_corner(scan):
    """Nothing but a white mark at the lower right."""
    return 0.05 + 0.4 * (scan[-9:, -9:].max() > 200)


class Network:
    """Takes and gives arrays as onnxruntime does, one answer a scan."""

    def __init__(self, read, covariate=None, embed=None):
        self.read = read
        self.covariate = covariate
        self.embed = embed

    def run(self, outputs, feeds):
        views, present = feeds["views"], feeds["view_present"]
        n = len(views)
        said = np.array(
            [self.read(views[i, 0, 0]) if present[i, 0] else 0.2 for i in range(n)], float
        )
        if self.covariate is not None:
            said = feeds["covariates"][:, self.covariate].astype(float)
        answer = [said, np.full(n, 0.1), np.zeros((n, len(DEFAULT_OUTCOMES)))]
        if self.embed is not None:
            answer.append(np.stack([self.embed(view[0, 0]) for view in views]))
        return answer


def make_model(
    folder,
    read,
    known_patients=(),
    known_scans=(),
    covariates=None,
    covariate=None,
    embed=None,
):
    """A model folder without a network file, and its predictor."""
    folder.mkdir(parents=True)
    ModelSpec(
        name="stand_in",
        architecture={},
        views={"horizontal": View(direction="horizontal", angle_deg=0.0)},
        preprocessing=Preprocessing(HEIGHT, WIDTH, "none"),
        outcomes=DEFAULT_OUTCOMES,
        off_chart_policy="bach",
        followup_days=None,
        cohort="another",
        synthetic=True,
        covariates=covariates or {},
    ).write(folder)
    Provenance(
        seed=0,
        fold=1,
        n_train=1,
        n_val=1,
        salt=SALT,
        patients=fingerprints((p.encode() for p in known_patients), SALT),
        scans=fingerprints((s.tobytes() for s in known_scans), SALT),
        trained_on="cpu",
    ).write(folder)
    return Member(folder, Network(read, covariate, embed))


def predictor(*members):
    """An ensemble; the audit asks no interval of it."""
    return Predictor(list(members), [SimpleNamespace(level=0.9) for _ in members])
