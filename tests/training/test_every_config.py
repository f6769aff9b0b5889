"""Every config file of the repository is read, and its network built and run, as it stands."""

from pathlib import Path

import pytest
import torch
import yaml

from ctt_net.models.fusion import CrossTokenFusion
from ctt_net.training.architecture import build, describe
from ctt_net.training.config import TrainingConfig

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
DEFAULT, PUBLISHED = CONFIGS / "ctt_net.yaml", CONFIGS / "reference/ctt.yaml"
ABLATIONS = [(DEFAULT, file) for file in sorted((CONFIGS / "ablations").glob("*.yaml"))]
REFERENCE = [
    (PUBLISHED, file)
    for file in sorted((CONFIGS / "reference").glob("*.yaml"))
    if file != PUBLISHED
]
CHAINS = [(DEFAULT,), (PUBLISHED,), *ABLATIONS, *REFERENCE]


def parsed(files, tmp_path, *flags):
    keys = [part for file in files for part in ("--config", str(file))]
    return TrainingConfig([*keys, "--data.cohort", str(tmp_path), *flags]).config


def network(files, tmp_path):
    model = parsed(files, tmp_path).model
    # Weights are for those who have them; the description of a model folder names none either.
    return build(describe(model, num_views=2), "config").eval()


@pytest.mark.parametrize("files", CHAINS, ids=lambda files: "+".join(f.stem for f in files))
def test_the_network_of_a_config_is_built_and_predicts(files, tmp_path):
    torch.manual_seed(0)
    net = network(files, tmp_path)
    assert all(file.read_text().startswith("# ") for file in files)
    views = torch.randint(0, 256, (2, 2, 1, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        prediction = net(views, torch.ones(2, 2, dtype=torch.bool), torch.tensor([0.5, torch.nan]))
    assert all(part.isfinite().all() for part in prediction)


@pytest.fixture(scope="module")
def before():
    """The default, read once."""
    return parsed([DEFAULT], Path("nowhere"))


@pytest.mark.parametrize("files", ABLATIONS, ids=lambda files: files[-1].stem)
def test_an_ablation_changes_what_it_names_and_nothing_else(files, before):
    after = parsed(files, Path("nowhere"))
    assert before.data == after.data
    assert before.trainer == after.trainer
    assert after.model.fusion.init_args.dim == before.model.fusion.init_args.dim
    told = yaml.safe_load(files[-1].read_text())["model"]
    was, now = (config.model.clone().as_dict() for config in (before, after))
    for part in was:
        if part not in told:
            assert was[part] == now[part]
        elif was[part] is None:
            assert told[part] == now[part]
        elif isinstance(told[part], dict) and was[part]["class_path"] == now[part]["class_path"]:
            arguments = was[part]["init_args"], now[part]["init_args"]
            changed = {key for key in arguments[0] if arguments[0][key] != arguments[1][key]}
            assert changed == set(told[part]["init_args"])
        else:
            assert was[part] != now[part]


def test_the_published_recipe_is_the_published_one(tmp_path):
    config = parsed([PUBLISHED], tmp_path)
    assert (config.data.batch_size, config.trainer.max_steps) == (8, 1200)
    assert config.trainer.val_check_interval == 10
    assert config.model.optimisation.class_path.endswith("SgdSteps")
    assert list(config.model.optimisation.init_args.milestones) == [600, 900, 1100]
    assert (config.model.learning_rate, config.model.weight_decay) == (0.1, 5e-4)
    assert config.model.loss.init_args.recovery_weight == 2
    net = network([PUBLISHED], tmp_path)
    assert isinstance(net.fusion, CrossTokenFusion)
    assert (len(net.backbone), len(net.project), net.fusion.exchanges) == (2, 2, 4)
    assert net.view_embedding is None


def test_the_last_of_three_files_bounds_an_output(tmp_path):
    late = CONFIGS / "reference/late.yaml"
    files = [PUBLISHED, late, CONFIGS / "reference/bounded.yaml"]
    plain, bounded = network(files[:2], tmp_path).head, network(files, tmp_path).head
    assert (plain.bounded, bounded.bounded) == (False, True)
    assert type(plain.hidden) is type(bounded.hidden) is torch.nn.Identity
