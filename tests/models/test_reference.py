"""The published networks give what a plain-tensor forward pass gives, from the same weights."""

import pytest
import torch

from ctt_net.errors import InputError
from ctt_net.models.reference import (
    VARIANTS,
    load_reference_checkpoint,
    load_reference_state_dict,
)
from tests.models.reference_oracle import Oracle, random_state

FAMILY = {name: variant.family for name, variant in VARIANTS.items()}
EYES = 3


@pytest.fixture(scope="module")
def states():
    """Random weights of each family, made once."""
    made = {}

    def of(variant):
        family = FAMILY[variant]
        if family not in made:
            made[family] = random_state(family)
        return made[family]

    return of


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(5)
    h, v = torch.randn(2, EYES, 3, 64, 64, generator=generator)
    return h, v, torch.tensor([[0.01], [0.4], [1.2]])


# The others with _s are these again, bounded.
@pytest.mark.parametrize(
    "variant",
    sorted(set(VARIANTS) - {"ctt_s", "ctt_f_s", "late_pva_s", "single_view_v_s"}),
)
def test_a_published_network_is_reproduced_to_1e_5(variant, states, pictures):
    state = states(variant)
    net = load_reference_state_dict(state, variant)
    h, v, z = pictures
    with torch.no_grad():
        ours = net(h, v, z)
        before = net.predict(h, v, z).native
        theirs, expected = Oracle(state)(variant, h, v, z)
    for mine, published in zip(ours, theirs, strict=True):
        assert mine.shape == published.shape == z.shape
        torch.testing.assert_close(mine, published, rtol=0, atol=1e-5)
    torch.testing.assert_close(before, expected, rtol=0, atol=1e-5)
    # Weights that say the same of every eye would prove nothing.
    assert (expected - z).std() > 1e-2


def test_what_has_no_effect_is_ignored_and_listed(states):
    net = load_reference_state_dict(states("ctt"))
    assert {"cva_fc.weight", "hor_reg_token", "resnet_hor.fc.weight"} < set(net.ignored)
    assert {"Transformer_layer.z_embedding.bias", "feature_ver.7.1.bn2.running_var"} < set(
        net.ignored
    )
    without = {k: t for k, t in states("ctt").items() if k not in set(net.ignored)}
    again = load_reference_state_dict(without)
    assert again.ignored == ()
    for name, tensor in net.network.state_dict().items():
        if "unknown" not in name:
            assert torch.equal(tensor, again.network.state_dict()[name]), name


@pytest.mark.parametrize("family", ["ctt", "full_attention", "late", "late_pva"])
def test_the_names_tell_the_variant_where_they_can(family, states):
    assert load_reference_state_dict(states(family)).variant == VARIANTS[family]


def test_the_names_of_a_single_view_do_not_tell_which(states):
    with pytest.raises(InputError, match=r"one view.*give one of.*single_view_h.*single_view_v"):
        load_reference_state_dict(states("single_view_h"))
    with pytest.raises(InputError, match=r"its names are of none; give one of ctt"):
        load_reference_state_dict({"conv1.weight": torch.zeros(3)})
    with pytest.raises(InputError, match=r"no variant 'cct'; there are ctt"):
        load_reference_state_dict(states("ctt"), "cct")


def test_a_single_view_ignores_the_other(states, pictures):
    h, v, z = pictures
    for variant, order in (("single_view_h", (h, v)), ("single_view_v", (v, h))):
        net = load_reference_state_dict(states(variant), variant)
        kept, other = order
        for noise in (torch.zeros_like(other), 100 * other):
            both = (kept, noise) if variant.endswith("h") else (noise, kept)
            assert torch.equal(net(*both, z)[0], net(h, v, z)[0])


def test_one_grey_channel_is_three_equal_ones_and_a_flat_acuity_comes_back_flat(states, pictures):
    net = load_reference_state_dict(states("late"))
    h, v, z = pictures
    grey = h[:, :1], v[:, :1]
    three = (each.expand(-1, 3, -1, -1) for each in grey)
    with torch.no_grad():
        flat = net(*grey, z[:, 0])
        assert all(part.shape == (EYES,) for part in flat)
        for ours, theirs in zip(flat, net(*three, z), strict=True):
            torch.testing.assert_close(ours, theirs[:, 0])


def test_an_acuity_that_is_none_is_refused(states, pictures):
    net = load_reference_state_dict(states("late"))
    h, v, z = pictures
    for wrong in (0.0, -0.1, float("nan")):
        with pytest.raises(InputError, match="preop_decimal must be positive"):
            net(h, v, torch.full_like(z, wrong))


def test_missing_extra_and_misshapen_tensors_are_refused_by_name(states):
    state = states("late")
    lacking = {k: t for k, t in state.items() if k not in ("top.bias", "feature_x.0.weight")}
    with pytest.raises(InputError, match=r"late lacks top\.bias; is it another variant"):
        load_reference_state_dict(lacking)
    with pytest.raises(InputError, match=r"late has no place for odd\.weight"):
        load_reference_state_dict({**state, "odd.weight": torch.zeros(2)})
    with pytest.raises(InputError, match=r"top\.weight is of shape \(1, 64\), which does not fit"):
        load_reference_state_dict({**state, "top.weight": torch.zeros(1, 64)})
    with pytest.raises(InputError, match=r"full_attention lacks .* and \d+ more; is it another"):
        load_reference_state_dict(state, "full_attention")
    changed = {**state, "feature_y.0.weight": state["resnet.conv1.weight"] + 1}
    with pytest.raises(InputError, match=r"feature_y\.0\.weight and resnet\.conv1\.weight must be"):
        load_reference_state_dict(changed)


def test_a_checkpoint_is_read_with_and_without_the_prefix_of_several_gpus(
    states, tmp_path, pictures
):
    state = states("late")
    torch.save({"net_state_dict": state, "epoch": 3}, tmp_path / "one.pth")
    several = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"net_state_dict": several}, tmp_path / "several.pth")
    one, more = (load_reference_checkpoint(tmp_path / f"{n}.pth") for n in ("one", "several"))
    with torch.no_grad():
        assert torch.equal(one(*pictures)[0], more(*pictures)[0])


def test_a_file_that_is_no_such_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"absent\.pth: no such file"):
        load_reference_checkpoint(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth: no readable checkpoint"):
        load_reference_checkpoint(tmp_path / "text.pth")
    torch.save({"state_dict": {}}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: holds no 'net_state_dict'"):
        load_reference_checkpoint(tmp_path / "other.pth")
    torch.save({"net_state_dict": {"a": torch.zeros(1)}}, tmp_path / "odd.pth")
    with pytest.raises(InputError, match=r"odd\.pth: reference: cannot tell the variant"):
        load_reference_checkpoint(tmp_path / "odd.pth")
