"""What a file from a stranger must not do: run code, fill the memory, or write into a page."""

import ast
import html
import os
import struct
import subprocess
import sys
import textwrap
import time
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ctt_net.errors import InputError
from ctt_net.io.yaml_file import read_yaml_mapping

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("ctt_net", "datasets", "benchmarks", "scripts")
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SCRIPT = "<script>alert(1)</script>"
PEAK_MB = 300


@cache
def sources():
    """Every source file, parsed once."""
    files = [path for name in FOLDERS for path in sorted((REPOSITORY / name).rglob("*.py"))]
    files += sorted(REPOSITORY.glob("*.py"))
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}


def dotted(node):
    """`a.b.c` of an expression, empty if it is no plain name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(source):
    """Everything in a parsed source that may run what a file or a user says."""
    found = []
    for node in ast.walk(source):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in UNPICKLERS]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in UNPICKLERS:
            found.append(node.module)
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        last = name.split(".")[-1]
        keys = {key.arg: key.value for key in node.keywords}
        constant = {k: v.value for k, v in keys.items() if isinstance(v, ast.Constant)}
        if name in ("eval", "exec", "compile", "__import__", "os.system", "os.popen"):
            found.append(name)
        if name == "torch.load" and constant.get("weights_only") is not True:
            found.append("torch.load without weights_only=True")
        if "allow_pickle" in keys and constant.get("allow_pickle") is not False:
            found.append("allow_pickle")
        if last in ("read_pickle", "to_pickle", "load_from_checkpoint", "unsafe_load", "full_load"):
            found.append(last)
        # Our own reader of YAML makes plain data of the nodes that ruamel.yaml composes.
        if name in ("yaml.load", "yaml.load_all") or (
            last == "YAML" and constant.get("typ") != "safe"
        ):
            found.append(name)
        if "shell" in keys and constant.get("shell") is not False:
            found.append("shell")
    return found


def test_no_source_runs_what_a_file_says():
    assert len(sources()) > 50
    found = {path: dangers(source) for path, source in sources().items()}
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f, allow_pickle=True)",
        "np.load(f, allow_pickle=flag)",
        "pd.read_pickle(f)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.load(text, yaml.UnsafeLoader)",
        "YAML().load(text)",
        "YAML(typ='unsafe', pure=True)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "subprocess.run(command, shell=True)",
        "os.system(command)",
    ],
)
def test_the_search_finds_what_it_is_for(line):
    assert dangers(ast.parse(line))


def test_no_template_switches_escaping_off():
    templates = sorted((REPOSITORY / "ctt_net").rglob("*.html"))
    assert templates
    for path in templates:
        text = path.read_text(encoding="utf-8").replace(" ", "")
        assert "|safe" not in text, path
        assert "autoescape" not in text, path


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
MERGES = "a: &a {k: 1, l: 2}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join(['*' + old] * 10)}]}}\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [BOMB + "name: *j\n", MERGES, "name: &n [*n]\n", "name: &n {k: *n}\n", "- &a [1]\n" * 300_000],
    ids=["laughs", "merges", "ring", "ring of keys", "long"],
)
def test_a_yaml_bomb_is_refused_at_once(tmp_path, text):
    path = tmp_path / "cohort.yaml"
    path.write_text(text)
    start = time.process_time()
    with pytest.raises(InputError, match=r"cohort\.yaml") as caught:
        read_yaml_mapping(path)
    assert time.process_time() - start < 5
    assert len(str(caught.value)) < 1000


def test_an_ordinary_alias_is_read(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("a: &a {k: 1}\nb: *a\nc: {<<: *a, l: 2}\n")
    assert read_yaml_mapping(path)["c"] == {"k": 1, "l": 2}


def png_bomb(side):
    """A valid grey PNG of side x side black pixels, a thousandth of their size."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    zeros = (side + 1) * side
    packer = zlib.compressobj(9, wbits=-15)
    million = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compress(bytes(zeros % 1_000_000), wbits=-15)
    checksum = ((zeros % 65521) << 16) | 1  # Adler-32 of so many zeros
    stream = b"\x78\x9c" + million * (zeros // 1_000_000) + rest + struct.pack(">I", checksum)
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", stream) + chunk(b"IEND", b"")


def tiff_bomb(side):
    """A TIFF header that announces one deflated strip of side x side pixels."""
    strip = zlib.compress(bytes(1_000_000))
    entries = [
        *((256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 8), (262, 3, 1)),
        *((273, 4, 8), (277, 3, 1), (278, 4, side), (279, 4, len(strip))),
    ]
    table = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        table += struct.pack("<HHI", tag, kind, 1) + struct.pack("<I", value)
    return b"II*\x00" + struct.pack("<I", 8 + len(strip)) + strip + table + bytes(4)


READ_ONE = """
import pathlib, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
from ctt_net.errors import InputError
from ctt_net.imaging import read_bscan
try:
    read_bscan(sys.argv[1])
except InputError as error:
    # Not ru_maxrss: it begins with that of the process this one was forked from.
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]) // 1024, error)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", ["bomb.png", "bomb.tif"])
def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(png_bomb(60_000) if name.endswith("png") else tiff_bomb(60_000))
    command = [sys.executable, "-c", textwrap.dedent(READ_ONE), str(path)]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    peak, _, message = done.stdout.partition(" ")
    assert int(peak) < PEAK_MB
    assert name in message
    assert "pixels" in message


def test_the_png_bomb_is_a_right_png(tmp_path):
    from PIL import Image

    (tmp_path / "small.png").write_bytes(png_bomb(1200))
    with Image.open(tmp_path / "small.png") as image:
        assert np.asarray(image).shape == (1200, 1200)


@pytest.fixture
def planted(tmp_path):
    """A cohort folder that holds a script wherever a text may stand."""
    from ctt_net.cohort import AcuityColumns, CohortSpec, Covariate, View, write_cohort

    root = tmp_path / "cohort"
    root.mkdir()
    spec = CohortSpec(
        **dict.fromkeys(("name", "source", "licence", "citation"), SCRIPT),
        acuity=AcuityColumns(preop_va="decimal", postop_va="decimal"),
        views={SCRIPT: View()},
        covariates={f"age {SCRIPT}": Covariate(kind="numeric", unit=SCRIPT)},
        devices={SCRIPT: {"axial_um_per_px": 3.9}},
    )
    rng = np.random.default_rng(0)
    decimals = ("0.1", "0.2", "0.3", "0.5", "0.8", "1.0")
    rows = []
    for number in range(24):
        before = int(rng.integers(0, 4))
        rows.append(
            {
                "eye_id": f"e{number}{SCRIPT}",
                "patient_id": f"p{number // 2}{SCRIPT}",
                "laterality": ("OD", "OS")[number % 2],
                "preop_va": decimals[before],
                "postop_va": decimals[before + int(rng.integers(0, 3))],
                SCRIPT: "",
                f"age {SCRIPT}": str(60 + number),
                **dict.fromkeys(("site", "device", f"more {SCRIPT}"), SCRIPT),
            }
        )
    write_cohort(root, spec, rows)
    return root


def assert_escaped(page):
    text = page.read_text(encoding="utf-8")
    assert "alert(1)" in text  # it is shown, so that the next line means something
    assert "<script" not in text.lower()
    assert html.escape(SCRIPT) in text


def test_the_page_of_an_evaluation_escapes_what_a_cohort_says(planted, tmp_path):
    from ctt_net.cohort import read_cohort
    from ctt_net.cohort.predictions import write_predictions
    from ctt_net.inference.evaluate import evaluate_table

    table = read_cohort(planted).table
    predictions = table[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].assign(
        predicted_logmar=0.3, lower_logmar=0.1, upper_logmar=0.5, p_recovery=0.5, flags=SCRIPT
    )
    file = tmp_path / f"{SCRIPT.replace('/', '')}.csv"
    write_predictions(predictions, file)
    evaluate_table(file, planted, tmp_path / "out")
    assert_escaped(tmp_path / "out" / "report.html")


def test_the_page_of_an_examination_escapes_what_a_cohort_says(planted, tmp_path):
    from ctt_net.check import examine

    examine(planted, open_scans=False, out=tmp_path / "out")
    assert_escaped(tmp_path / "out" / "check.html")


@pytest.mark.parametrize("column", ["eye_id", "patient_id", "flags"])
@pytest.mark.parametrize("text", ["=HYPERLINK(A1)", "@A1", "＝A1"])
def test_a_table_of_predictions_holds_no_formula(planted, tmp_path, column, text):
    from ctt_net.cohort import read_cohort
    from ctt_net.cohort.predictions import write_predictions

    table = read_cohort(planted).table
    predictions = table[["eye_id", "patient_id", "preop_logmar", "postop_logmar"]].assign(
        predicted_logmar=0.3, lower_logmar=0.1, upper_logmar=0.5, p_recovery=0.5, flags=""
    )
    predictions.loc[3, column] = text
    with pytest.raises(InputError, match=r"row 5, column .*formula"):
        write_predictions(predictions, tmp_path / "predictions.csv")
    assert not (tmp_path / "predictions.csv").exists()


def test_no_library_reports_its_use_or_asks_for_its_newest_version(tmp_path):
    code = """
        import sys
        def watch(event, arguments):
            if event in ("socket.connect", "socket.getaddrinfo"): print(event, arguments)
        sys.addaudithook(watch)
        import ctt_net.data.augmentation
        from ctt_net.biomarkers import Segmenter
        Segmenter.load()
    """
    switches = ("ORT_DISABLE_TELEMETRY", "NO_ALBUMENTATIONS_UPDATE")
    plain = {key: value for key, value in os.environ.items() if key not in switches}
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=REPOSITORY, env=plain | places,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert list(tmp_path.rglob("*onnxruntime*")) == []  # its identifier and its unsent reports
    assert list(tmp_path.rglob(".ses")) == []
