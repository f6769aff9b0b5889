"""Change what a person may hand in, at random, and see that every command ends in words.

    python tests/fuzz.py --kind manifest --count 10000 --seed 0 [--model FOLDER]

A case is right if it ends with 0, with 2 and one message, or with 3 where an audit found something;
within the time limit; and with nothing half written. Prints a line per kind, and each fault with
the number that repeats it: `--first N --count 1`. Exit code 1 if there was a fault.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

SECONDS = 30
ODD = [
    *("", " ", "0", "-1", "1e999", "1e5", "-0", "nan", "inf", "0042", "0x1F", "1_000", "12:30"),
    *("9" * 400, "0." + "1" * 400, "no", "true", "null", "~", "2024-02-30", "OD", "OS", "CF", "x"),
    *("=1+1", "'", '"', '""', "\x00", "\x1b[31m", "\ufeff", "\u202e", "眼", "é", "😀", "\n"),
    *("\r", "\t", ",", ";", ",,", "[", "]", "{", "}", ":", ": ", "- ", "#", "|", ">", "&a ", "*a"),
    *("!!int x", "!!bool maybe", "!!python/none", "!!binary x", "<<: *a", "? ", "%", "@", "`"),
    *("../..", "/", "/dev/zero", "/proc/self/mem", ".", "C:\\", "20/0", "0/20", "20/40+9", "٣"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 7, 10**6, 10**400, 1e308, -1e308, 1e-320, 0.5, float("nan")),
    *(
        float("inf"),
        "",
        " ",
        "x",
        "0",
        "1e5",
        "眼",
        "\x00",
        "a" * 1000,
        [],
        {},
        [1],
        [[]],
        {"a": 1},
    ),
    *([None], ["x", "x"], {"": ""}, [1.0, 2.0, 3.0], "logmar", "decimal", "horizontal", "\ud800"),
]


class TooSlowError(BaseException):
    """Not an Exception: no handler of the program may take it for one of its own."""


@dataclass
class Case:
    """One call of the program.

    Args:
        arguments: Of the command line.
        out: What it may make; None = nothing.
        what: Was changed, for the report.
    """

    arguments: list[str]
    out: Path | None = None
    what: str = ""


@dataclass
class Tally:
    """What came of the cases of one kind."""

    count: int = 0
    refused: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


# --- changing things ----------------------------------------------------------------------------


def changed_bytes(random: Random, data: bytes) -> bytes:
    """Damage as disks, mails and editors make it."""
    for _ in range(random.randint(1, 4)):
        at, to = sorted(random.randrange(len(data) + 1) for _ in range(2))
        odd = random.choice(ODD).encode("utf-8")
        data = random.choice(
            [
                data[:at],
                data[:at] + data[min(to, at + 50) :],
                data[:at] + odd + data[at:],
                data[:at] + random.randbytes(3) + data[at + 3 :],
                data[:at] + data[at : at + 200] + data[at:],
                data + odd,
            ]
        )
    return data


def changed_lines(random: Random, text: str, signs: str = ": ") -> str:
    """Rows lost, doubled, exchanged, and single words or cells replaced."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        line, odd = lines[at], random.choice(ODD)
        sign = random.choice(signs)
        words = line.split(sign)
        words[random.randrange(len(words))] = odd
        lines[at : at + 1] = random.choice(
            [
                [],
                [line, line],
                [line[: random.randrange(len(line) + 1)]],
                [sign.join(words)],
                [sign.join(words)],
                [sign.join(words)],
                [line + sign + odd],
                [line, random.choice(lines)],
                ["  " + line],
                [line.swapcase()],
            ]
        )
        lines = lines or [""]
    return "\n".join(lines)


def changed_tree(random: Random, data: Any) -> Any:
    """A value somewhere within replaced, taken out, or put in elsewhere."""
    data = json.loads(json.dumps(data))
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        keys = (
            node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        )
        for key in list(keys)[:50]:
            places.append((node, key))
            walk(node[key])

    walk(data)
    for _ in range(random.randint(1, 2)):
        node, key = random.choice(places)
        how = random.random()
        with contextlib.suppress(LookupError):  # taken out by the change before
            if how < 0.15:
                del node[key]
            elif how < 0.25 and isinstance(node, dict):
                node[random.choice(ODD)] = node.pop(key)
            elif how < 0.35 and isinstance(node, list):
                node.append(node[key])
            elif how < 0.45:
                node[key] = json.loads(json.dumps(random.choice(places)[0]))
            else:
                node[key] = random.choice(VALUES)
    return data


def changed_file(random: Random, path: Path) -> str:
    """Change one file in one of many ways; says how."""
    how = random.random()
    data = path.read_bytes()
    if how < 0.1:
        path.unlink()
        kind = random.choice(["gone", "folder", "pipe", "empty", "link to itself", "endless"])
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "empty":
            path.touch()
        elif kind == "link to itself":
            path.symlink_to(path.name)
        elif kind == "endless":
            path.symlink_to("/dev/zero")
        return f"{path.name}: {kind}"
    if how < 0.25 or path.suffix not in (".json", ".yaml", ".csv"):
        path.write_bytes(changed_bytes(random, data))
        return f"{path.name}: bytes"
    if how < 0.3:
        deep = random.choice(["[", '{"a":', "a: [", "- "]) * 100_000
        path.write_text(random.choice([deep, data.decode() + deep]))
        return f"{path.name}: nested"
    if how < 0.5 or path.suffix == ".csv":
        text = changed_lines(random, data.decode(), "," if path.suffix == ".csv" else ",: ")
        path.write_bytes(text.encode("utf-8", "replace"))
        return f"{path.name}: lines"
    if path.suffix == ".json":
        text = json.dumps(changed_tree(random, json.loads(data)))
    else:
        tree = changed_tree(random, yaml.safe_load(data))
        text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return f"{path.name}: tree"


# --- kinds of cases -----------------------------------------------------------------------------


class Fuzz:
    """Sound inputs, and cases made from them.

    Args:
        place: Folder to work in.
        model: Model folder; None = cases that need one are left out.
        cohort: Cohort folder with scans.
    """

    def __init__(self, place: Path, cohort: Path, model: Path | None) -> None:
        self.cohort, self.model = cohort, model
        self.work = place / "work"
        self.tables = place / "tables"
        self.tables.mkdir()
        for name in ("cohort.yaml", "manifest.csv", "folds.csv"):
            shutil.copy(cohort / name, self.tables)
        (self.tables / "images").mkdir()
        spec = yaml.safe_load((cohort / "cohort.yaml").read_text(encoding="utf-8"))
        self.views = list(spec["views"])
        manifest = (cohort / "manifest.csv").read_text(encoding="utf-8")
        self.rows = [line.split(",") for line in manifest.splitlines()]
        header = self.rows[0]
        self.patient = place / "patient"
        self.patient.mkdir()
        first = dict(zip(header, self.rows[1], strict=True))
        for view in self.views:
            if first[view]:
                shutil.copy(cohort / first[view], self.patient / f"OD_{view}.png")
        (self.patient / "patient.yaml").write_text(
            "patient_id: p-1\nnotation: decimal\npreop_va: {OD: 0.50}\n"
            "covariates: {age_years: 70}\n"
            f"files: {{OD: {{{self.views[0]}: OD_{self.views[0]}.png}}}}\n"
        )
        columns = (
            "eye_id,patient_id,preop_logmar,postop_logmar,predicted_logmar,lower_logmar,"
            "upper_logmar,p_recovery,flags"
        )
        self.predictions = place / "predictions.csv"
        lines = [
            f"{eye['eye_id']},{eye['patient_id']},{eye['preop_logmar']},{eye['postop_logmar']},"
            f"0.30,0.05,0.60,0.9,"
            for eye in (dict(zip(header, row, strict=True)) for row in self.rows[1:])
        ]
        self.predictions.write_text("\n".join([columns, *lines, ""]), encoding="utf-8")
        self.mapping = place / "mapping"
        self.mapping.mkdir()
        (self.mapping / "eyes.csv").write_text(
            "ID,Eye,VA1,VA2,Age,When\n"
            + "".join(f"{i:04},{'RL'[i % 2]},0.{i % 9},0.8,6{i % 10},2024-01-1{i % 9}\n"
                      for i in range(1, 20))
        )  # fmt: skip
        (self.mapping / "mapping.yaml").write_text(MAPPING)

    def fresh(self, source: Path) -> Path:
        """A copy to be changed."""
        copy = self.work / "in" / source.name
        if source.is_dir():
            shutil.copytree(source, copy)
            if source == self.tables:  # whose scans no case changes
                for scan in (self.cohort / "images").iterdir():
                    os.link(scan, copy / "images" / scan.name)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
        return copy

    def manifest(self, random: Random) -> Case:
        folder = self.fresh(self.tables)
        what = changed_file(random, folder / random.choice(["manifest.csv"] * 4 + ["folds.csv"]))
        return Case(["check", str(folder), "--tables-only"], None, what)

    def yaml(self, random: Random) -> Case:
        kinds = ["cohort", "mapping", "mapping", *(["patient", "model"] if self.model else [])]
        kind = random.choice(kinds)
        if kind == "cohort":
            folder = self.fresh(self.tables)
            what = changed_file(random, folder / "cohort.yaml")
            return Case(["check", str(folder), "--tables-only"], None, what)
        if kind == "mapping":
            folder = self.fresh(self.mapping)
            what = changed_file(random, folder / "mapping.yaml")
            out = self.work / "out"
            call = ["prepare", str(folder / "mapping.yaml"), str(out), "--tables-only"]
            return Case(call, out, what)
        if kind == "patient":
            folder = self.fresh(self.patient)
            return self._predict(folder, changed_file(random, folder / "patient.yaml"))
        folder = self.fresh(self.model)
        what = changed_file(random, folder / "model.yaml")
        resealed(random, folder)
        return self._predict(self.patient, what, folder)

    def predictions_table(self, random: Random) -> Case:
        table = self.fresh(self.predictions)
        what = changed_file(random, table)
        out = self.work / "out"
        return Case(["evaluate", str(table), str(self.cohort), "--out", str(out)], out, what)

    def command(self, random: Random) -> Case:
        flags = {
            "prepare": ["--tables-only", "--replace", "--draft", "--data-root"],
            "check": ["--tables-only", "--json"],
            "evaluate": ["--out", "--allow-training-eyes", "--interval-level", "--gallery"],
            "report": ["--out", "--gallery", "--model"],
            "audit": ["--out", "--fail-on-findings"],
            "recalibrate": ["--out"],
            "plan": [
                *("--json", "--out", "--from", "--eyes", "--eyes-per-patient", "--icc"),
                *("--half-width", "--half-width-share", "--sd-absolute-error", "--sd-error"),
                *("--coverage", "--sd-difference", "--auroc", "--share-recovered", "--r2"),
                *("--parameters", "--sd-outcome", "--curve", "--row", "--evaluated", "--within"),
            ],
            "predict": ["--model", "--out", "--preop-va", "--notation"],
            "deidentify": ["--key", "--name", "--source", "--review"],
            "convert": ["--lines", "--all", "--laterality", "--scan"],
            "bundle": ["--scan-fingerprints"],
        }
        out = self.work / "out"
        scan = next(self.patient.glob("*.png"))
        paths = [
            *(self.cohort, self.patient, self.predictions, self.mapping / "mapping.yaml", scan),
            *(self.mapping / "eyes.csv", self.mapping, out, out, out / "deep" / "er", scan / "x"),
            *(self.work / "none", self.cohort / "manifest.csv", *([self.model] * 3)),
        ]
        words = [*ODD, "OD=20/40", "OD=0.5", "2", "0.5", "100", "-5", "0.999", "decimal", "--"]
        sound = {
            "prepare": [self.mapping / "mapping.yaml", out],
            "check": [self.cohort],
            "evaluate": [self.predictions, self.cohort],
            "report": [self.work / "none"],
            "audit": [self.predictions, self.cohort],
            "recalibrate": [self.model or self.cohort, self.cohort],
            "plan": [],
            "predict": [self.patient, "--model", self.model or self.patient],
            "deidentify": [self.cohort, out, "--key", self.work / "key"],
            "convert": [scan, out],
            "bundle": [self.patient, out],
        }
        name = random.choice(["plan", "plan", "plan", "evaluate", "predict", "prepare", *sound])

        def word() -> str:
            # A real call has no NUL: the system would not start it.
            some = str(random.choice(paths)) if random.random() < 0.3 else random.choice(words)
            return some.replace("\x00", "")

        call = [name, *map(str, sound[name])]
        if name in ("evaluate", "report", "audit", "recalibrate", "predict"):
            call += ["--out", str(out)]
        if name == "plan" and random.random() < 0.8:
            flag = random.choice(flags[name][2:])
            call += [
                flag,
                random.choice(["0", "-1", "nan", "inf", "1e300", "1", "0.5", "3", "1e-9"]),
            ]
        for flag in random.sample(flags[name], min(len(flags[name]), random.choice([0, 0, 1, 2]))):
            call += [flag] if random.random() < 0.2 else [flag, word()]
        for _ in range(random.choice([0, 1, 1, 2])):
            call[random.randrange(len(call))] = word()
        if call[-1].startswith(("/dev", "/proc", "/")) and len(call[-1]) < 20:
            call.pop()
        return Case(call, None, " ".join(call))

    def patient_folder(self, random: Random) -> Case:
        import cv2
        import numpy as np

        folder = self.fresh(self.patient)
        scan = random.choice(sorted(folder.glob("*.png")))
        how = random.randrange(5)
        if how == 0:
            what = changed_file(random, scan)
        elif how == 1:
            what = changed_file(random, folder / "patient.yaml")
        elif how == 2:
            side = [1, 2, 63, 64, 65, 100, 300, 1000, 5000, 17000, 40000]
            height, width = random.choice(side), random.choice(side)
            height = height if height * width < 4_000_000 else 64
            kind = random.choice([np.uint8, np.uint16])
            depth = random.choice([(), (3,), (4,)])
            noise = np.random.default_rng(random.randrange(1000))
            pixels = noise.integers(0, random.choice([2, 255]), (height, width, *depth)).astype(
                kind
            )
            cv2.imwrite(str(scan), pixels)
            what = f"{scan.name}: {width}x{height} {kind.__name__} {depth}"
        elif how == 3:
            name = random.choice(
                ["OS_horizontal.png", "os-vertical.tif", "OD.png", "眼.png", "OD_nowhere.jpg",
                 "右眼_横扫.bmp", ".png", "OD_horizontal.PNG", f"{'a' * 200}.png"]
            )  # fmt: skip
            scan.rename(folder / name)
            what = f"{scan.name} is called {name}"
        else:
            suffix = random.choice([".tif", ".jpg", ".png"])
            data = cv2.imencode(suffix, cv2.imread(str(scan), 0))[1].tobytes()
            scan.unlink()
            scan.with_suffix(suffix).write_bytes(changed_bytes(random, data))
            what = f"{scan.stem}{suffix}: bytes"
        if random.random() < 0.6:
            yaml_file = folder / "patient.yaml"
            if yaml_file.is_file():
                text = yaml_file.read_bytes().split(b"files:")[0]
                yaml_file.write_bytes(text)
        return self._predict(folder, what)

    def model_folder(self, random: Random) -> Case:
        folder = self.fresh(self.model)
        names = ["model.yaml", "calibration.json", "abstention.json", "baselines.json"]
        names += ["provenance.json", "reference_embeddings.safetensors"]
        names += ["model.onnx"] * (random.random() < 0.3)
        what = changed_file(random, folder / random.choice(names))
        resealed(random, folder)
        return self._predict(self.patient, what, folder)

    def _predict(self, patient: Path, what: str, model: Path | None = None) -> Case:
        out = self.work / "out"
        call = ["predict", str(patient), "--model", str(model or self.model), "--out", str(out)]
        return Case(call, out, what)


MAPPING = """\
cohort: {name: t, source: made, licence: none, citation: none}
table:
  file: eyes.csv
  one_row_per: eye
  missing: ["-9", 077]
columns:
  patient_id: ID
  laterality: {column: Eye, OD: [R], OS: [L]}
  preop_va: {column: VA1, notation: decimal, recode: {"0.0": "0.1"}}
  postop_va: {column: VA2, notation: decimal}
  surgery_date: {column: When, format: "%Y-%m-%d"}
covariates:
  age_years: {column: Age, kind: numeric, unit: years}
acuity: {off_chart_policy: bach, expect_improvement: true}
views:
  horizontal: {direction: horizontal, angle_deg: 0}
  vertical: {direction: vertical, angle_deg: 90}
exclude:
  - {reason: withdrew consent, column: ID, is: [0003, 0004]}
  - {reason: too young, column: Age, below: 18}
require: [preop_va, postop_va]
followup_window_days: [14, 120]
"""


def resealed(random: Random, folder: Path) -> None:
    """Digests left as they are, made anew, or taken out: what lies behind them is tested, too."""
    path = folder / "provenance.json"
    how = random.randrange(4)
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() and how else {}
    except (ValueError, RecursionError, OSError):
        return
    if not isinstance(data, dict) or not isinstance(data.get("digests"), dict):
        return
    files = [one for one in folder.iterdir() if one.is_file() and not one.is_symlink()]
    data["digests"] = {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()
        for one in files
        if one != path and how > 1
    }
    path.write_text(json.dumps(data), encoding="utf-8")


KINDS: dict[str, tuple[Callable[[Fuzz, Random], Case], int]] = {
    "manifest": (Fuzz.manifest, 10_000),
    "yaml": (Fuzz.yaml, 10_000),
    "predictions": (Fuzz.predictions_table, 10_000),
    "command": (Fuzz.command, 10_000),
    "patient": (Fuzz.patient_folder, 2_000),
    "model": (Fuzz.model_folder, 500),
}
NEED_MODEL = ("patient", "model")


# --- running ------------------------------------------------------------------------------------


def fault_of(case: Case, work: Path) -> tuple[int | None, str]:
    """Exit code, and what is wrong with how a case ended; empty if nothing is."""
    from ctt_net.cli import main

    said, complained = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code: Any = None
    before = listing(work)

    def too_slow(*_: Any) -> None:
        raise TooSlowError

    signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = main(case.arguments)
    except SystemExit as end:
        code = end.code
    except TooSlowError:
        return None, f"longer than {SECONDS} s"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if "ctt_net" in one.filename]
        place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
        return None, f"{type(error).__name__} at {place}: {str(error)[:160]!r}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    complained.flush()
    message = complained.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    if code not in (0, 2, 3) or (code == 3 and case.arguments[:1] != ["audit"]):
        return code, f"exit code {code}: {message[-160:]!r}"
    if "Traceback" in message:
        return code, f"a traceback in the message: {message[-160:]!r}"
    after = listing(work)
    left = [name for name in after - before if Path(name).name.startswith(".")]
    if left:
        return code, f"left behind: {sorted(left)[0]}"
    made = [name for name in after - before if case.out and name.startswith("out")]
    if code == 2 and made:
        return code, f"refused, and yet there is {sorted(made)[0]}"
    for name in made:
        if name.endswith(".json"):
            try:
                json.loads((work / name).read_text(encoding="utf-8"))
            except ValueError:
                return code, f"half written: {name}"
    return code, ""


def listing(work: Path) -> set[str]:
    """All that is in a folder."""
    return {os.path.relpath(path, work) for path in work.rglob("*")}


def run(kind: str, count: int, seed: int, fuzz: Fuzz, first: int = 0) -> Tally:
    """Run cases of one kind."""
    make, _ = KINDS[kind]
    tally = Tally()
    began = time.monotonic()
    for number in range(first, first + count):
        shutil.rmtree(fuzz.work, ignore_errors=True)
        fuzz.work.mkdir()
        case = make(fuzz, Random(f"{kind} {seed} {number}"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code, fault = fault_of(case, fuzz.work)
        tally.count += 1
        tally.refused += code == 2
        tally.accepted += code in (0, 3)
        if fault:
            tally.faults.append(f"{kind} {number}: {fault} ({case.what[:200]!r})")
    tally.seconds = time.monotonic() - began
    return tally


@contextlib.contextmanager
def quickly() -> Any:
    """Networks loaded once, figures only named: what takes the time and is not looked at here."""
    import onnxruntime
    from markupsafe import Markup

    from ctt_net.report import drawing

    sound, drawn = onnxruntime.InferenceSession, drawing.svg_and_png
    loaded: dict[bytes, Any] = {}

    def session(data: bytes, *rest: Any, **further: Any) -> Any:
        key = hashlib.sha256(data).digest()
        if key not in loaded:
            loaded[key] = sound(data, *rest, **further)
        return loaded[key]

    onnxruntime.InferenceSession = session
    drawing.svg_and_png = lambda *_, **__: (Markup("<svg></svg>"), b"")
    try:
        yield
    finally:
        onnxruntime.InferenceSession, drawing.svg_and_png = sound, drawn


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=(*KINDS, "all"), default="all")
    parser.add_argument("--count", type=int, help="cases of each kind (default: the full number)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--model", type=Path, help="model folder; patient and model need one")
    return parser.parse_args(arguments)


def main_() -> int:
    options = parsed()
    from ctt_net.synthetic import CohortPlan, simulate_cohort

    faults = 0
    with tempfile.TemporaryDirectory() as name, quickly():
        cohort = Path(name) / "cohort"
        simulate_cohort(cohort, CohortPlan(n_eyes=16, seed=5))
        model = None
        if options.model is not None:
            model = Path(name) / "model"
            shutil.copytree(options.model, model)
        fuzz = Fuzz(Path(name), cohort, model)
        os.chdir(name)  # a command line may name an output folder relative to it
        for kind, (_, full) in KINDS.items():
            if options.kind not in (kind, "all") or (kind in NEED_MODEL and model is None):
                continue
            tally = run(kind, options.count or full, options.seed, fuzz, options.first)
            faults += len(tally.faults)
            print(
                f"{kind:12} count {tally.count:6} refused {tally.refused:6} accepted "
                f"{tally.accepted:6} faults {len(tally.faults):4} seconds {tally.seconds:7.0f}",
                flush=True,
            )
            for fault in tally.faults:
                print(f"  {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main_())
