"""How many pictures that are no macular B-scan are refused, and how many B-scans are with them.

The pictures are samples of scikit-image, scikit-learn and matplotlib, pages and patterns drawn
here, and simulated scans made unusable: turned, cut, joined, or with the layers of another place.
The B-scans are simulated on every device look; `--real` adds those of a folder.

    OMP_NUM_THREADS=1 python -m benchmarks.not_macular                       # what the reader says
    OMP_NUM_THREADS=1 python -m benchmarks.not_macular --model runs/ctt_net  # with abstention too
"""

import argparse
import gzip
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ctt_net.biomarkers.macular import read_macular_bscan
from ctt_net.imaging import UNUSABLE_NOTES, ImagingError
from ctt_net.synthetic.device import (
    CIRRUS_LIKE,
    HEIDELBERG_LIKE,
    TOPCON_LIKE,
    Device,
    random_device,
)
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan, scan
from ctt_net.synthetic.training_eyes import training_eye

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

SIZES = ((496, 768), (500, 750), (885, 512), (496, 1536), (600, 600), (300, 900))
SCAN_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, help="run or model folder: count what is out of its distribution too"
    )
    parser.add_argument("--real", type=Path, help="folder of real B-scans")
    parser.add_argument("--seed", type=int, default=2, help="of the pictures (default: 2)")
    parser.add_argument("--scans", type=int, default=50, help="simulated a device (default: 50)")
    parser.add_argument("--keep", type=Path, help="folder to keep the pictures in")
    options = parser.parse_args()
    predictor = None
    if options.model is not None:
        from ctt_net.model_folder.predictor import Predictor

        predictor = Predictor.load(options.model)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for group, pictures in (
            ("no macular B-scan", not_macular(options.seed)),
            ("macular B-scan", bscans(options.scans, options.seed)),
        ):
            for number, (kind, picture) in enumerate(pictures):
                path = folder / f"{kind}_{number:04}.png".replace(" ", "_")
                Image.fromarray(picture).save(path)
                rows.append((group, kind, path, outcome(path, predictor)))
        for path in sorted(options.real.rglob("*")) if options.real else ():
            if path.suffix.lower() in SCAN_SUFFIXES:
                rows.append(("macular B-scan", "real", path, outcome(path, predictor)))
    print_table(pd.DataFrame(rows, columns=["group", "kind", "path", "outcome"]))


def outcome(path: Path, predictor: Any = None) -> str:
    """What becomes of a picture: the note or error that stops it, or `accepted`."""
    try:
        notes = [
            note.code for note in read_macular_bscan(path).notes if note.code in UNUSABLE_NOTES
        ]
    except ImagingError:
        return "refused"
    if notes:
        return notes[0]
    if predictor is not None and abstains(path, predictor):
        return "out_of_distribution"
    return "accepted"


def abstains(path: Path, predictor: Any) -> bool:
    """Whether a picture, given as one view of an eye, is out of a model's distribution."""
    from ctt_net.inference.predict import predict_patient

    with tempfile.TemporaryDirectory() as name:
        view = next(iter(predictor.spec.views))
        (Path(name) / f"OD_{view}{path.suffix}").write_bytes(path.read_bytes())
        said = predict_patient(name, predictor, preop_va=("OD=20/60",), details=False)
    return "out_of_distribution" in said.prediction["eyes"][0]["abstain_because"]


def print_table(table: pd.DataFrame) -> None:
    """Counts by kind, and the share of each group that is not accepted."""
    counts = pd.crosstab([table["group"], table["kind"]], table["outcome"])
    counts.insert(0, "pictures", counts.sum(axis=1))
    print(counts.to_string())
    for group, rows in table.groupby("group"):
        stopped = int((rows["outcome"] != "accepted").sum())
        print(f"{group}: {stopped} of {len(rows)} refused or abstained ({stopped / len(rows):.1%})")


# What is no macular B-scan.


def not_macular(seed: int = 0) -> Iterator[tuple[str, Picture]]:
    """Pictures of every kind, each drawn from its own seed: kind and (H, W) or (H, W, 3)."""
    for place, (kind, (count, make)) in enumerate(KINDS.items()):
        for number in range(count):
            yield kind, make(np.random.default_rng((seed, place, number)), number)


def bscans(per_device: int, seed: int = 0) -> Iterator[tuple[str, Picture]]:
    """Simulated macular B-scans: those that segmentation is taught with, on every device look."""
    looks: tuple[Device | None, ...] = (HEIDELBERG_LIKE, CIRRUS_LIKE, TOPCON_LIKE, None)
    for place, device in enumerate(looks):
        for number in range(per_device):
            rng = np.random.default_rng((seed, 99, place, number))
            yield device.name if device else "random", simulated(rng, device or random_device(rng))


def simulated(rng: np.random.Generator, device: Device | None = None) -> Picture:
    """A simulated scan of an eye rich in disease."""
    eye, drawn = training_eye(rng)
    return scan(eye, device or replace(drawn, direction_mark=False), DIRECTIONS[rng.integers(2)])


def sample(name: str) -> Picture:
    """A sample picture of a package that is installed."""
    import matplotlib
    import skimage.data
    import sklearn.datasets

    folders = (
        Path(skimage.data.__file__).parent,
        Path(sklearn.datasets.__file__).parent / "images",
        Path(matplotlib.__file__).parent / "mpl-data/sample_data",
    )
    path = next(folder / name for folder in folders if (folder / name).exists())
    if name == "s1045.ima.gz":  # a slice of a head, MRI
        with gzip.open(path) as file:
            return eight_bit(np.frombuffer(file.read(), np.uint16).reshape(256, 256))
    if path.suffix == ".npz":
        return eight_bit(np.load(path)["elevation" if "dem" in name else "topo"])
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L" if picture.mode in "L1I;16" else "RGB"))


def eight_bit(values: NDArray[Any]) -> Picture:
    """Any values from their lowest to their highest as 0 to 255."""
    low, high = np.percentile(values, (0.5, 99.5))
    return np.clip(255 * (values - low) / max(high - low, 1e-9), 0, 255).astype(np.uint8)


def cut_of(names: tuple[str, ...]) -> Callable[[np.random.Generator, int], Picture]:
    """Draw parts of sample pictures at the sizes of scans, in turn."""

    def make(rng: np.random.Generator, number: int) -> Picture:
        whole = sample(names[number % len(names)])
        rows, columns = SIZES[rng.integers(len(SIZES))]
        share = rng.uniform(0.5, 1.0) if number >= len(names) else 1.0
        height, width = (max(40, int(share * side)) for side in whole.shape[:2])
        top = rng.integers(whole.shape[0] - height + 1)
        left = rng.integers(whole.shape[1] - width + 1)
        part = whole[top : top + height, left : left + width]
        if number % 2:
            part = np.asarray(Image.fromarray(part).convert("L"))
        return np.asarray(cv2.resize(np.ascontiguousarray(part), (columns, rows)), np.uint8)

    return make


def noise(rng: np.random.Generator, number: int) -> Picture:
    """White, smooth, fractal and speckle noise, and plasma drawn out along the rows."""
    rows, columns = SIZES[rng.integers(len(SIZES))]
    white = rng.standard_normal((rows, columns))
    match number % 6:
        case 0:
            return eight_bit(white)
        case 1:
            return eight_bit(cv2.GaussianBlur(white, (0, 0), float(rng.uniform(2, 12))))
        case 2:
            return eight_bit(fractal(rng, rows, columns, rng.uniform(0.8, 1.6)))
        case 3:
            return eight_bit(rng.gamma(1.0, 1.0, (rows, columns)))
        case 4:
            return eight_bit(
                cv2.GaussianBlur(white, (0, 0), sigmaX=40, sigmaY=float(rng.uniform(2, 8)))
            )
        case _:  # a sensor in the dark
            return np.clip(rng.poisson(3, (rows, columns)) * 3, 0, 255).astype(np.uint8)


def fractal(rng: np.random.Generator, rows: int, columns: int, power: float) -> Floats:
    """Noise whose amplitude falls with a power of the frequency: clouds."""
    down, along = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    amplitude = 1.0 / np.maximum(np.hypot(down, along), 1.0 / max(rows, columns)) ** power
    phases = np.exp(2j * np.pi * rng.uniform(size=amplitude.shape))
    return np.fft.irfft2(amplitude * phases, (rows, columns))


def pattern(rng: np.random.Generator, number: int) -> Picture:
    """Gratings of any direction, bands, gradients, checks and blobs."""
    rows, columns = SIZES[rng.integers(len(SIZES))]
    y, x = np.mgrid[:rows, :columns]
    grain = rng.normal(0, rng.uniform(0, 0.3), (rows, columns))
    match number % 8:
        case 0 | 1:  # gratings, those along the rows included
            angle = 0.0 if number % 8 else rng.uniform(0, np.pi)
            period = rng.uniform(8, 120)
            return eight_bit(
                np.sin(2 * np.pi * (y * np.cos(angle) + x * np.sin(angle)) / period) + grain
            )
        case 2:  # some bands from side to side
            edges = np.sort(rng.uniform(0, rows, 8))
            level = rng.uniform(0, 1, 9)[np.searchsorted(edges, y[:, 0])]
            return eight_bit(level[:, None] + grain)
        case 3:  # one bright line
            at = rng.uniform(0.2, 0.8) * rows + rng.uniform(-0.2, 0.2) * (x - columns / 2)
            return eight_bit(np.exp(-(((y - at) / rng.uniform(3, 25)) ** 2)) + grain)
        case 4:  # a gradient
            return eight_bit(y * rng.normal() / rows + x * rng.normal() / columns + grain)
        case 5:
            side = rng.integers(10, 90)
            return eight_bit((y // side + x // side) % 2 + grain)
        case 6:
            from skimage.data import binary_blobs

            blobs = binary_blobs(max(rows, columns), rng=rng, volume_fraction=0.4)
            return eight_bit(blobs[:rows, :columns] + grain)
        case _:  # a horizon: land below sky
            hill = rows * (0.5 + 0.1 * np.sin(x / rng.uniform(40, 200)) + rng.uniform(-0.2, 0.2))
            return eight_bit((y > hill) * np.exp(-(y - hill) / (0.5 * rows)) + grain)


def page(rng: np.random.Generator, number: int) -> Picture:
    """Pages of text, tables and forms, dark or light."""
    height, width = ((1100, 850), (850, 1100), (496, 768))[number % 3]
    ink, paper = (20, 250) if number % 2 else (230, 30)
    picture = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(picture)
    size = int(rng.integers(10, 26))
    words = ("Macula", "OD", "thickness", "signal strength", "patient", "visual acuity", "20/40")
    for y in range(20, height - 20, int(size * rng.uniform(1.2, 2.0))):
        line = " ".join(rng.choice(words, int(rng.integers(2, 14))))
        draw.text((20 + 40 * int(rng.integers(3)), y), line, fill=ink, font_size=size)
    return np.asarray(picture)


def chart(rng: np.random.Generator, number: int) -> Picture:
    """Figures of a plotting library: curves, bars, dots, and a map of thickness."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.68, 4.96), dpi=100, facecolor=("white", "black")[number % 2])
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    match number % 5:
        case 0:
            axes.plot(rng.standard_normal((100, 3)).cumsum(axis=0))
        case 1:
            axes.bar(range(8), rng.uniform(0, 1, 8))
        case 2:
            axes.scatter(*rng.standard_normal((2, 300)))
        case 3:
            axes.imshow(fractal(rng, 60, 60, 1.5), cmap="jet")
        case _:
            axes.stackplot(range(40), rng.uniform(0.4, 1, (6, 40)))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def report(rng: np.random.Generator, number: int) -> Picture:
    """A printed page or a viewer's screen with scans on it."""
    level = int(rng.choice((255, 240, 40, 0)))
    ink = 0 if level > 128 else 230
    height, width = ((1100, 850), (900, 1600))[number % 2]
    whole = Image.new("L", (width, height), level)
    draw = ImageDraw.Draw(whole)
    for line in range(8):
        draw.text((30, 30 + 24 * line), f"Subfield {rng.integers(200, 400)} um", ink, font_size=18)
    for place in range(2):
        box = (60, 320 + 370 * place) if number % 2 == 0 else (400 + 590 * place, 250)
        part = cv2.resize(simulated(rng), (730, 340) if number % 2 == 0 else (570, 480))
        whole.paste(Image.fromarray(part), box)
    return np.asarray(whole)


def fundus(rng: np.random.Generator, number: int) -> Picture:
    """A fundus photograph, in colour or grey: disc, fovea, branching vessels."""
    side = int(rng.integers(480, 900))
    y, x = np.mgrid[:side, :side] / side
    light = 0.55 + 0.25 * rng.normal() * (x - 0.5) + 0.1 * fractal_unit(rng, side)
    light += 0.5 * np.exp(-(((x - 0.78) ** 2 + (y - 0.5) ** 2) / 0.006))
    light -= 0.25 * np.exp(-(((x - 0.42) ** 2 + (y - 0.52) ** 2) / 0.004))
    vessels = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(8, 16))):
        place, angle = np.array([0.78, 0.5]), rng.uniform(0, 2 * np.pi)
        for step in range(60):
            angle += rng.normal(0, 0.12)
            on = place + 0.012 * np.array([np.cos(angle), np.sin(angle)])
            ends = [tuple(int(v) for v in side * one) for one in (place, on)]
            cv2.line(vessels, ends[0], ends[1], 255, max(1, int(side * 0.012 * (1 - step / 60))))
            place = on
    light -= 0.25 * cv2.GaussianBlur(vessels / 255.0, (0, 0), 1.5)
    if number % 3 == 0:  # as a scanning laser shows it, whole square
        return eight_bit(light + rng.normal(0, 0.05, light.shape))
    light = np.where((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.235, np.clip(light, 0, 1), 0)
    if number % 3 == 1:
        return np.dstack(
            [(255 * light * c).clip(0, 255).astype(np.uint8) for c in (0.95, 0.5, 0.25)]
        )
    return (255 * light).clip(0, 255).astype(np.uint8)


def fractal_unit(rng: np.random.Generator, side: int) -> Floats:
    """Square clouds of SD 1."""
    clouds = fractal(rng, side, side, 1.4)
    return clouds / clouds.std()


def other_organ(rng: np.random.Generator, number: int) -> Picture:
    """Cornea and skin by OCT, a fan of ultrasound, a vessel from inside."""
    rows, columns = SIZES[rng.integers(2)]
    y, x = np.mgrid[:rows, :columns]
    speckle = rng.gamma(3.0, 1 / 3.0, (rows, columns))
    middle = (x - columns / 2) / columns
    match number % 4:
        case 0:  # cornea: two arcs, dim stroma, the iris below
            front = rows * (0.12 + rng.uniform(0.8, 1.6) * middle**2)
            back = front + rows * 0.18
            light = 0.25 * ((y > front) & (y < back)) + 0.04
            light = (
                light + np.exp(-(((y - front) / 4) ** 2)) + 0.6 * np.exp(-(((y - back) / 3) ** 2))
            )
            iris = rows * 0.62 + 0.1 * rows * np.abs(middle)
            light = light + 0.8 * (np.abs(middle) > 0.15) * ((y > iris) & (y < iris + 0.1 * rows))
        case 1:  # skin: a bright border, epidermis, dermis fading away
            top = rows * (0.2 + 0.02 * np.sin(x / rng.uniform(10, 40))) + rng.uniform(-0.1, 0.1) * x
            depth = y - top
            light = np.where(depth > 0, 0.5 * np.exp(-depth / (0.35 * rows)), 0.03)
            light = light + np.exp(-((depth / 4) ** 2)) - 0.15 * ((depth > 8) & (depth < 40))
        case 2:  # ultrasound: a fan from the top
            angle, reach = (
                np.arctan2(x - columns / 2, y + 30.0),
                np.hypot(x - columns / 2, y + 30.0),
            )
            inside = (np.abs(angle) < 0.6) & (reach > 60) & (reach < rows)
            light = inside * (0.4 + 0.2 * fractal(rng, rows, columns, 1.2) / 1e-2).clip(0.05, 1)
        case _:  # a round lumen with its wall
            reach = np.hypot(y - rows / 2, x - columns / 2) / rows
            light = np.exp(-(((reach - rng.uniform(0.2, 0.35)) / 0.04) ** 2)) + 0.05
    return eight_bit(np.sqrt(np.clip(light * speckle, 0, None)))


def turned(rng: np.random.Generator, number: int) -> Picture:
    """A scan upside down, or on its side."""
    upright = simulated(rng)
    return np.ascontiguousarray(
        (upright[::-1], np.rot90(upright), np.rot90(upright, 3))[number % 3]
    )


def negative(rng: np.random.Generator, number: int) -> Picture:
    """A scan with its greys inverted."""
    return 255 - simulated(rng)


def choroid(rng: np.random.Generator, number: int) -> Picture:
    """The part of a scan below the retina only, or the vitreous only."""
    eye, device = training_eye(rng)
    pixels, truth = labelled_scan(eye, replace(device, direction_mark=False), "horizontal")
    if number % 3 == 2:
        end = max(40, int(truth.surface("ilm").min()) - 5)
        return np.ascontiguousarray(pixels[:end])
    start = min(len(pixels) - 60, int(truth.surface("bruch").max()) + 5)
    return np.ascontiguousarray(pixels[start:])


def circular(rng: np.random.Generator, number: int) -> Picture:
    """A circular scan around the disc: a wave of constant layers under thick nerve fibres."""
    device = (HEIDELBERG_LIKE, CIRRUS_LIKE)[number % 2]
    rows, columns = 496, (768, 1536)[number // 2 % 2]
    y, x = np.mgrid[:rows, :columns].astype(float)
    turn = 2 * np.pi * x / columns
    bruch = rows * (0.6 + rng.uniform(0.03, 0.12) * np.sin(turn + rng.uniform(0, 6)))
    um = 3.87
    fibres = (70 + 50 * np.cos(2 * turn + 2.6) ** 2 + 25 * rng.normal() * np.sin(turn)).clip(
        35
    ) / um
    above = bruch - y
    total = fibres + 165 / um
    layers = [  # share of the height below the fibres: brightness
        (0.0, 8 / um, 0.5), (8 / um, 22 / um, 1.0), (22 / um, 32 / um, 0.35),
        (32 / um, 40 / um, 0.8), (40 / um, 85 / um, 0.12), (85 / um, 105 / um, 0.3),
        (105 / um, 135 / um, 0.18), (135 / um, 165 / um, 0.36),
    ]  # fmt: skip
    light = 0.01 + 0.3 * np.exp(above / (0.12 * rows)) * (above <= 0)
    for low, high, level in layers:
        light = np.where((above >= low) & (above < high), level, light)
    light = np.where((above >= 165 / um) & (above < total), 0.85, light)
    shadow = np.ones(columns)
    for at in rng.uniform(0, columns, int(rng.integers(6, 14))):
        shadow -= rng.uniform(0.3, 0.7) * np.exp(-(((x[0] - at) / rng.uniform(5, 14)) ** 2))
    light = cv2.GaussianBlur(light * shadow.clip(0.15), (0, 0), 1.2)
    light = light * rng.gamma(4.0, 0.25, light.shape) + abs(rng.normal(0, 0.004, light.shape))
    return eight_bit(light ** (1 / device.display_root))


def montage(rng: np.random.Generator, number: int) -> Picture:
    """Several scans in one picture: side by side, one above the other, or a sheet of nine."""
    rows, columns = ((1, 2), (2, 1), (3, 3))[number % 3]
    parts = [cv2.resize(simulated(rng), (600, 400)) for _ in range(rows * columns)]
    lines = [np.hstack(parts[k * columns : (k + 1) * columns]) for k in range(rows)]
    return np.ascontiguousarray(np.vstack(lines))


def en_face(rng: np.random.Generator, number: int) -> Picture:
    """A slice of the volume along the retina: dark vessels or bright ones on grain."""
    side = (496, 768)[number % 2]
    vessels = np.abs(fractal_unit(rng, side)) < rng.uniform(0.08, 0.2)
    net = cv2.GaussianBlur(vessels.astype(float), (0, 0), 1.5)
    sign = 1 if number % 2 else -1
    return eight_bit(0.5 + sign * 0.4 * net + rng.normal(0, 0.12, net.shape))


def dark(rng: np.random.Generator, number: int) -> Picture:
    """A picture that is all but black or all but white."""
    rows, columns = SIZES[rng.integers(len(SIZES))]
    spots = rng.uniform(size=(rows, columns)) < 0.001 * (number + 1)
    grain = rng.integers(0, 3 + number, (rows, columns)) + 60 * spots
    return (grain if number % 2 else 255 - grain).astype(np.uint8)


PHOTOGRAPHS = (
    "astronaut.png", "camera.png", "coffee.png", "chelsea.png", "rocket.jpg", "china.jpg",
    "flower.jpg", "grace_hopper.jpg", "hubble_deep_field.jpg", "motorcycle_left.png", "coins.png",
    "moon.png", "horse.png",
)  # fmt: skip
TEXTURES = (
    "brick.png", "grass.png", "gravel.png", "topobathy.npz", "jacksboro_fault_dem.npz",
    "chessboard_GRAY.png", "color.png",
)  # fmt: skip
MEDICAL = ("ihc.png", "cell.png", "phantom.png", "microaneurysms.png", "s1045.ima.gz")

# Kind: how many, and how one is made.
KINDS: dict[str, tuple[int, Callable[[np.random.Generator, int], Picture]]] = {
    "photograph": (39, cut_of(PHOTOGRAPHS)),
    "texture": (28, cut_of(TEXTURES)),
    "microscopy, MRI": (15, cut_of(MEDICAL)),
    "fundus photograph": (10, cut_of(("retina.jpg",))),
    "fundus, drawn": (18, fundus),
    "en-face slice": (8, en_face),
    "other organ": (24, other_organ),
    "noise": (24, noise),
    "pattern": (40, pattern),
    "text": (12, page),
    "scanned text": (6, cut_of(("page.png", "text.png"))),
    "chart": (15, chart),
    "report page, screen": (16, report),
    "turned": (30, turned),
    "negative": (10, negative),
    "choroid, vitreous": (24, choroid),
    "circular": (16, circular),
    "montage": (15, montage),
    "black, white": (8, dark),
}


if __name__ == "__main__":
    main()
