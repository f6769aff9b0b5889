"""Whether heat maps lie on what makes acuity worse: simulated eyes with exactly one lesion.

Run from the checkout, with a model trained on simulated eyes:

    OMP_NUM_THREADS=1 python -m benchmarks.heat_maps runs/ctt_net
    OMP_NUM_THREADS=1 python -m benchmarks.heat_maps runs/ctt_net --eyes 60 --method gradient

Lesions of all kinds in turn, of any severity; where one is seen, its pixels are those of `simulate
--labels`. Shown is the lesion's share of the absolute heat map, its share of the area that the
network sees, both over all views of an eye, and their quotient: 1 = the map knows nothing of the
lesion. Then the same for networks whose weights are shuffled within each tensor (Adebayo 2018,
arXiv 1810.03292), the rank correlation of the two maps' absolute values, and deletion and insertion
against random orders.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import nn

from ctt_net.data.scans import Scans
from ctt_net.explain.contributions import repeated
from ctt_net.explain.gradient import gradient_maps
from ctt_net.explain.heat_map import HeatMaps, blurred_picture, occlusion_maps
from ctt_net.export.monai_bundle.network import TorchSession
from ctt_net.imaging.preprocessing import Preprocessing
from ctt_net.imaging.segmentation import LAYERS, Segmentation
from ctt_net.model_folder.member import Member
from ctt_net.model_folder.predictor import Predictor
from ctt_net.synthetic import DEVICES, KINDS, SimulatedEye, draw_eyes
from ctt_net.synthetic.disease import draw_view, place
from ctt_net.synthetic.lesions import LesionKind
from ctt_net.synthetic.scan import DIRECTIONS, labelled_scan
from ctt_net.training.architecture import load_network

Mask = NDArray[np.bool_]
STEPS = 16  # of deletion and insertion
DRUSEN = LAYERS.index("drusen")


class LesionEye:
    """One simulated eye with one lesion, as a model takes it, and where the lesion is.

    Args:
        eye: With its lesion.
        preprocessing: Of the model.
        number: Chooses the device.
    """

    def __init__(self, eye: SimulatedEye, preprocessing: Preprocessing, number: int) -> None:
        device = replace(DEVICES[number % len(DEVICES)], direction_mark=False)
        scans = [labelled_scan(eye, device, direction) for direction in DIRECTIONS]
        self.kind, self.laterality = eye.lesions[0].kind, eye.laterality
        self.pixels = [pixels for pixels, _ in scans]
        self.lesion = [lesion_pixels(truth) for _, truth in scans]
        prepared = [
            preprocessing(pixels, eye.laterality, direction)
            for pixels, direction in zip(self.pixels, DIRECTIONS, strict=True)
        ]
        present = np.ones((1, len(DIRECTIONS)), dtype=bool)
        self.scans = Scans(np.stack(prepared)[None], present, present.astype(float))
        self.table = pd.DataFrame(
            {
                "preop_logmar": [eye.potential_logmar + eye.lens_logmar],
                "preop_off_chart": "",
                "age_years": eye.age_years,
                "sex": eye.sex,
                "axial_length_mm": eye.axial_length_mm,
                "diabetes": float(eye.diabetes),
            }
        )

    def shares(self, maps: HeatMaps, preprocessing: Preprocessing) -> tuple[float, float]:
        """The lesion's share of the absolute heat map, and of the area."""
        back = [
            preprocessing.to_scan(maps[direction], pixels, self.laterality, direction)
            for pixels, direction in zip(self.pixels, DIRECTIONS, strict=True)
        ]
        heat = np.concatenate([np.abs(one).ravel() for one in back])
        seen = np.isfinite(heat)
        lesion = np.concatenate([one.ravel() for one in self.lesion])[seen]
        total = heat[seen].sum()
        held = float(heat[seen][lesion].sum() / total) if total > 0 else float("nan")
        return held, float(lesion.mean())


def lesion_pixels(truth: Segmentation) -> Mask:
    """Every labelled lesion, drusen included, and nothing of what is not visible."""
    lesion = (np.asarray(truth.lesions) > 0.5).any(axis=0) | (truth.layer_map() == DRUSEN)
    return np.asarray(lesion & truth.visible)


def lesion_eyes(
    count: int,
    seed: int,
    preprocessing: Preprocessing,
    kinds: Sequence[LesionKind] = KINDS,
) -> Iterator[LesionEye]:
    """Eyes with one lesion that at least one of their scans shows, the kinds in turn."""
    done = 0
    for number, eye in enumerate(
        draw_eyes(20 * count, seed, prefix=f"heat{seed}", rule="additive")
    ):
        if done == count:
            return
        rng = np.random.default_rng((seed, number))
        kind = kinds[done % len(kinds)]
        lesion = place(kind, float(rng.uniform()), draw_view(rng), rng)
        made = LesionEye(replace(eye, lesions=(lesion,)), preprocessing, done)
        if any(one.any() for one in made.lesion):
            done += 1
            yield made


def shuffled(networks: Sequence[nn.Module], seed: int = 0) -> list[nn.Module]:
    """Copies whose weights are in another order within each tensor: same scale, nothing learned."""
    generator = torch.Generator().manual_seed(seed)
    copies = [deepcopy(one) for one in networks]
    for network in copies:
        for weight in network.parameters():
            order = torch.randperm(weight.numel(), generator=generator)
            weight.data = weight.data.flatten()[order].view_as(weight)
    return copies


def with_networks(predictor: Predictor, networks: Sequence[nn.Module]) -> Predictor:
    """The same model with other networks in place of its own."""
    members = [
        Member(member.folder, TorchSession(network))
        for member, network in zip(predictor.members, networks, strict=True)
    ]
    return Predictor(members, predictor.calibrations)


def faithfulness(
    predictor: Predictor, eye: LesionEye, maps: HeatMaps, orders: int = 4
) -> dict[str, float]:
    """Areas under the change of the prediction by deletion and insertion.

    As Petsiuk 2018 (arXiv 1806.07421), for a signed regression. Deletion replaces the scans' pixels
    with the blurred ones in the order of the heat map, those that make the acuity worse first;
    insertion brings them into the blurred scans. The sooner the prediction changes, the larger the
    area: the mean change over the steps, logMAR. Random orders are of smooth random maps, whose
    first pixels lie together too.

    Args:
        predictor: That made the maps.
        eye: Whose.
        maps: Of its views.
        orders: How many random ones are averaged.

    Returns:
        `deletion` and `insertion`, and the same with `, random`.
    """
    whole = eye.scans.pixels[0]
    blank = np.stack([blurred_picture(one) for one in whole])
    rng = np.random.default_rng(0)
    heat = np.stack([maps[direction] for direction in DIRECTIONS])
    noise = [
        np.stack([cv2.GaussianBlur(rng.normal(size=one.shape), (0, 0), 8) for one in heat])
        for _ in range(orders)
    ]
    curves = []
    for ranking in (heat, *noise):
        rank = np.argsort(np.argsort(-ranking, axis=None)).reshape(heat.shape) / heat.size
        first = [rank < share for share in np.linspace(0, 1, STEPS + 1)]
        states = [np.where(one, blank, whole) for one in first]
        states += [np.where(one, whole, blank) for one in first]
        table, many = repeated(eye.table, eye.scans, len(states))
        many.pixels[:] = np.rint(states)
        said = predictor.estimate(predictor.outputs(table, many), table).postop_logmar
        deleted, inserted = said[: STEPS + 1], said[STEPS + 1 :]
        curves.append((np.mean(deleted[0] - deleted), np.mean(inserted - inserted[0])))
    mean = np.mean(curves[1:], axis=0)
    ours = dict(zip(("deletion", "insertion"), map(float, curves[0]), strict=True))
    return ours | {"deletion, random": float(mean[0]), "insertion, random": float(mean[1])}


def main() -> None:
    """Make the maps, print one row a kind of lesion, then all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="run or model folder, of simulated eyes")
    parser.add_argument("--eyes", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=7, help="of the eyes (default: 7)")
    parser.add_argument(
        "--controls",
        type=int,
        default=50,
        help="of these eyes also shuffled weights, deletion and insertion (default: 50)",
    )
    parser.add_argument("--method", choices=("occlusion", "gradient"), default="occlusion")
    options = parser.parse_args()
    torch.set_num_threads(1)
    predictor = Predictor.load(options.model)
    preprocessing = predictor.spec.preprocessing
    networks = [load_network(member.folder) for member in predictor.members]
    other_networks = shuffled(networks)
    other = with_networks(predictor, other_networks)
    rows, seconds = [], 0.0
    for number, eye in enumerate(lesion_eyes(options.eyes, options.seed, preprocessing)):
        began = time.process_time()
        maps = maps_of(options.method, predictor, networks, eye)
        seconds += time.process_time() - began
        held, area = eye.shares(maps, preprocessing)
        row = {"kind": eye.kind, "held": held, "area": area, "times": held / area}
        if number < options.controls:
            of_shuffled = maps_of(options.method, other, other_networks, eye)
            row["times, shuffled"] = eye.shares(of_shuffled, preprocessing)[0] / area
            both = [np.abs(np.stack(list(one.values()))).ravel() for one in (maps, of_shuffled)]
            row["correlation"] = float(spearmanr(*both).statistic)
            row |= faithfulness(predictor, eye, maps)
        rows.append(row)
    print_table(pd.DataFrame(rows), options.method, seconds)


def print_table(table: pd.DataFrame, method: str, seconds: float) -> None:
    """One row a kind of lesion, then all; then the controls."""
    each = seconds / len(table)
    print(f"{len(table)} eyes with one lesion, {method}, {each:.2f} s of one core each")
    print(f"{'':14}eyes  lesion's share of    quotient            quotient,")
    print(f"{'':14}      map      area        median  3 or more   shuffled weights")
    for kind, part in [*table.groupby("kind"), ("all", table)]:
        print(
            f"{kind:14}{len(part):<6}{part['held'].mean():<9.4f}{part['area'].mean():<12.4f}"
            f"{part['times'].median():<8.1f}{(part['times'] >= 3).mean():<12.0%}"
            f"{part['times, shuffled'].median():.1f}"
        )
    print(
        f"share of all maps / share of all areas: {table['held'].sum() / table['area'].sum():.2f}"
    )
    controls = table.dropna()
    print(f"controls, {len(controls)} eyes: rank correlation of absolute values with the map of")
    print(f"shuffled weights {controls['correlation'].mean():.2f}")
    for name in ("deletion", "insertion"):
        ours, others = (50 * controls[one] for one in (name, f"{name}, random"))
        print(
            f"{name}: {ours.mean():.2f} letters on average, random order {others.mean():.2f}; "
            f"more in {(ours > others).mean():.0%} of eyes"
        )


def maps_of(
    method: str, predictor: Predictor, networks: Sequence[nn.Module], eye: LesionEye
) -> HeatMaps:
    """Heat maps of one eye by one of the methods."""
    if method == "occlusion":
        return occlusion_maps(predictor, eye.table, eye.scans)[0]
    return gradient_maps(predictor, networks, eye.table, eye.scans)[0]


if __name__ == "__main__":
    main()
