"""What a training takes over is bit-equal, what it does not is untouched, and misfits are named."""

from dataclasses import replace

import pytest
import torch

from ctt_net.cohort import Covariate, View
from ctt_net.data.module import EyeDataModule
from ctt_net.errors import InputError
from ctt_net.imaging import Preprocessing
from ctt_net.model_folder.provenance import Provenance, fingerprints, new_salt
from ctt_net.models import MultiViewNet
from ctt_net.models.backbone import SmallConvBackbone
from ctt_net.models.covariates import PlainEncoder
from ctt_net.models.fusion import CrossTokenFusion, MeanFusion
from ctt_net.models.head import ResidualHead
from ctt_net.training.pretrain.folder import PretrainedSpec, write_pretrained_weights
from ctt_net.training.start_from import check_no_overlap, read_source, take_over

SIZE = Preprocessing(height=64, width=96)
COLUMNS = {"age_years": Covariate(kind="numeric", unit="years"), "sex": Covariate(kind="binary")}
WIDTHS = (4, 8)


def network(seed, views=2, fusion=CrossTokenFusion, widths=WIDTHS, columns=2, **keys):
    torch.manual_seed(seed)
    backbone = SmallConvBackbone(widths=widths, columns=columns)
    net = MultiViewNet(backbone, fusion(16), ResidualHead(16), views, **keys)
    with torch.no_grad():  # so that statistics and zeros differ too
        for tensor in net.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.01 * torch.randn_like(tensor))
    return net


def written(folder, net):
    """A folder as a pretraining of this network leaves it."""
    parts = {
        "backbone": ("backbone.SmallConvBackbone", {"widths": list(WIDTHS)}),
        "fusion": ("fusion.CrossTokenFusion", {}),
        "covariates": ("covariates.PlainEncoder", {}),
    }
    architecture = {
        part: {"class_path": f"ctt_net.models.{name}", "init_args": arguments}
        for part, (name, arguments) in parts.items()
    }
    views = {
        "horizontal": View(direction="horizontal"),
        "vertical": View(direction="vertical", angle_deg=90.0),
    }
    write_pretrained_weights(net, folder)
    PretrainedSpec(
        "pretrained", "synthetic", "simulated", views, SIZE, COLUMNS, architecture, {}, {}
    ).write(folder)
    return folder


def state_of(net):
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def taken_over(net, folder, views=("horizontal", "vertical"), covariates=COLUMNS):
    """Names of tensors that are the source's now; all others must be as they were."""
    before, source = state_of(net), read_source(folder)
    match = take_over(net, source, views, SIZE, covariates)
    after = state_of(net)
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed <= set(match.taken)
    return changed, after, match


def test_all_but_the_head_is_taken_bit_by_bit(tmp_path):
    theirs, ours = network(0), network(1)
    changed, after, match = taken_over(ours, written(tmp_path, theirs))
    for name, tensor in theirs.state_dict().items():
        if name.startswith("head."):
            assert name not in changed
        else:
            assert torch.equal(after[name], tensor), name
    assert match.in_words() == (
        "backbone, projection, view embeddings, place embeddings, fusion; anew: head"
    )


def test_running_statistics_come_with_the_backbone(tmp_path):
    theirs, ours = network(0), network(1)
    taken_over(ours, written(tmp_path, theirs))
    statistics = [name for name in theirs.state_dict() if "running_" in name]
    assert statistics
    for name in statistics:
        assert torch.equal(ours.state_dict()[name], theirs.state_dict()[name])


def test_views_are_matched_by_name_not_by_place(tmp_path):
    theirs, ours = network(0), network(1, views=3)
    folder = written(tmp_path, theirs)
    before = state_of(ours)["view_embedding"]
    _, after, _ = taken_over(ours, folder, views=("oblique", "vertical", "horizontal"))
    there = theirs.state_dict()["view_embedding"]
    assert torch.equal(after["view_embedding"][1], there[1])
    assert torch.equal(after["view_embedding"][2], there[0])
    assert torch.equal(after["view_embedding"][0], before[0])


def test_one_view_starts_from_two(tmp_path):
    theirs, ours = network(0), network(1, views=1)
    _, after, _ = taken_over(ours, written(tmp_path, theirs), views=("vertical",))
    assert torch.equal(after["view_embedding"][0], theirs.state_dict()["view_embedding"][1])


@pytest.mark.parametrize("views", [("horizontal", "vertical"), ("vertical", "horizontal")])
def test_a_backbone_for_each_view_goes_to_the_view_of_its_name(tmp_path, views):
    theirs, ours = network(0, sharing="none"), network(1, sharing="none")
    changed, after, _ = taken_over(ours, written(tmp_path, theirs), views=views)
    there = theirs.state_dict()
    for here, view in enumerate(views):
        source = ("horizontal", "vertical").index(view)
        for part in ("backbone.{}.layers.0.weight", "project.{}.weight"):
            assert torch.equal(after[part.format(here)], there[part.format(source)])
    assert "backbone.0.layers.0.weight" in changed


def test_one_backbone_serves_a_network_that_has_one_for_each_view(tmp_path):
    theirs, ours = network(0), network(1, sharing="none")
    _, after, _ = taken_over(ours, written(tmp_path, theirs))
    for number in (0, 1):
        there = theirs.state_dict()["backbone.0.layers.0.weight"]
        assert torch.equal(after[f"backbone.{number}.layers.0.weight"], there)


def test_another_fusion_and_other_strips_start_anew(tmp_path):
    theirs, ours = network(0), network(1, fusion=MeanFusion, columns=3)
    changed, _, match = taken_over(ours, written(tmp_path, theirs))
    assert not any(name.startswith(("fusion.", "place_embedding")) for name in changed)
    assert any(name.startswith("backbone.") for name in changed)
    assert match.in_words().endswith("anew: place embeddings, fusion, head")


@pytest.mark.parametrize("same", [True, False])
def test_covariates_are_taken_only_if_they_are_the_same_columns(tmp_path, same):
    theirs, ours = (network(seed, covariates=PlainEncoder(16, [0, 2])) for seed in (0, 1))
    columns = COLUMNS if same else {"sex": COLUMNS["sex"], "age_years": COLUMNS["age_years"]}
    changed, after, match = taken_over(ours, written(tmp_path, theirs), covariates=columns)
    learned = {f"covariates.{name}" for name, _ in theirs.covariates.named_parameters()}
    assert changed & learned == (learned if same else set())
    for name in changed & learned:
        assert torch.equal(after[name], theirs.state_dict()[name])
    # The scales are of the cohort, which is another one.
    assert not any(name.startswith("covariates.") for name in changed - learned)
    assert ("covariates" in match.in_words().split("anew:")[1]) != same


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"widths": (4, 12)}, "12x4x3x3 here"),
        ({"widths": (4, 8, 8)}, "not there"),
    ],
)
def test_another_backbone_is_refused_with_the_lines_that_must_agree(tmp_path, keys, said):
    folder = written(tmp_path, network(0))
    ours = network(1, **keys)
    before = state_of(ours)
    with pytest.raises(InputError, match=r"model\.start_from.*model\.backbone") as caught:
        take_over(ours, read_source(folder), ("horizontal", "vertical"), SIZE, COLUMNS)
    assert said in str(caught.value)
    assert "widths: [4, 8]" in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


def test_a_shared_backbone_does_not_start_from_one_of_several(tmp_path):
    folder = written(tmp_path, network(0, sharing="none"))
    with pytest.raises(InputError, match=r"model\.sharing"):
        take_over(network(1), read_source(folder), ("oblique", "vertical"), SIZE, COLUMNS)


def test_scans_prepared_otherwise_are_refused(tmp_path):
    source = read_source(written(tmp_path, network(0)))
    with pytest.raises(InputError) as caught:
        take_over(network(1), source, ("horizontal",), Preprocessing(64, 128, "none"), COLUMNS)
    assert "data.preprocessing.width (96 there, 128 here)" in str(caught.value)
    assert "data.preprocessing.crop" in str(caught.value)
    assert "data.preprocessing.height" not in str(caught.value)


def test_a_folder_that_holds_no_weights_is_named(tmp_path):
    with pytest.raises(InputError, match=r"neither pretrained\.yaml nor model\.yaml"):
        read_source(tmp_path)
    folder = written(tmp_path, network(0))
    (folder / "pretrained.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="no readable weights file"):
        read_source(folder)
    (folder / "pretrained.safetensors").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_source(folder)
    text = (folder / "pretrained.yaml").read_text()
    (folder / "pretrained.yaml").write_text(text.replace("format: 1", "format: 9"))
    with pytest.raises(InputError, match="reads format 1"):
        read_source(folder)


def provenance_of(patients, salt=None):
    salt = salt or new_salt()
    seen = fingerprints((patient.encode() for patient in patients), salt)
    return Provenance(0, 1, 5, 2, salt, seen, (), "CPU")


def test_a_model_that_saw_the_reported_patients_is_no_start(small_cohort, tmp_path):
    data = EyeDataModule(cohort=str(small_cohort), fold=1)
    reported = data.part("test")["patient_id"].iloc[0]
    trains = data.part("train")["patient_id"].iloc[0]
    source = read_source(written(tmp_path, network(0)))
    check_no_overlap(source, data, [1])  # a pretraining has seen nobody
    seen = {who: replace(source, provenance=provenance_of([who])) for who in (reported, trains)}
    check_no_overlap(seen[trains], data, [1])  # who trains again does no harm
    with pytest.raises(InputError, match=f"was trained on 1 of .* fold 1 .*{reported}"):
        check_no_overlap(seen[reported], data, [1])


def test_who_was_seen_before_counts_as_seen():
    before = provenance_of(["anna", "ben"])
    both = provenance_of(["ben", "carl"], before.salt).after(before)
    assert [both.knows_patient(who) for who in ("anna", "ben", "carl", "dora")] == [True] * 3 + [
        False
    ]
    with pytest.raises(ValueError, match="two salts"):
        provenance_of(["carl"]).after(before)
