"""Heat maps of networks: what they are faithful to, and what they owe to the weights."""

from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.heat_maps import faithfulness, lesion_eyes, maps_of, shuffled, with_networks
from ctt_net.model_folder.predictor import Predictor
from ctt_net.training.architecture import load_network

BY_GRADIENT = pytest.param(
    "gradient",
    marks=pytest.mark.skipif(not find_spec("captum"), reason="needs the extra explain"),
)
METHODS = pytest.mark.parametrize("method", ["occlusion", BY_GRADIENT])


@pytest.fixture(scope="module")
def predictor(small_run):
    return Predictor.load(small_run)


@pytest.fixture(scope="module")
def networks(predictor):
    return [load_network(member.folder) for member in predictor.members]


@pytest.fixture(scope="module")
def eyes(predictor):
    return list(lesion_eyes(4, 3, predictor.spec.preprocessing))


def flat(maps):
    return np.concatenate([one.ravel() for one in maps.values()])


@METHODS
def test_the_order_of_a_map_changes_the_prediction_sooner_than_chance(
    method, predictor, networks, eyes
):
    areas = [
        faithfulness(predictor, eye, maps_of(method, predictor, networks, eye)) for eye in eyes
    ]
    for name in ("deletion", "insertion"):
        ours, chance = (np.array([one[key] for one in areas]) for key in (name, f"{name}, random"))
        assert (ours > chance).all(), (name, ours, chance)


@METHODS
def test_shuffled_weights_destroy_the_map(method, predictor, networks, eyes):
    others = shuffled(networks)
    other = with_networks(predictor, others)
    alike = []
    for eye in eyes:
        maps = maps_of(method, predictor, networks, eye)
        of_shuffled = maps_of(method, other, others, eye)
        alike.append(np.corrcoef(flat(maps), flat(of_shuffled))[0, 1])
    assert abs(np.mean(alike)) < 0.4


@pytest.mark.skipif(not find_spec("captum"), reason="needs the extra explain")
def test_both_methods_see_the_same(predictor, networks, eyes):
    alike = [
        np.corrcoef(
            flat(maps_of("occlusion", predictor, networks, eye)),
            flat(maps_of("gradient", predictor, networks, eye)),
        )[0, 1]
        for eye in eyes
    ]
    assert np.mean(alike) > 0.6
