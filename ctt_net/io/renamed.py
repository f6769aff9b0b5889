"""Names that version 0.1 used in its files and configurations, and what they are called now.

The only place that knows them: whatever reads such a file passes it through `current`.
"""

from collections.abc import Mapping
from typing import Any

CLASSES = {"LateJoinFusion": "LateFusion"}
MODULES = {"ctt_net.data.reference_augmentation": "ctt_net.data.augmentation"}
CONFIG_KEYS = {"selection_fraction": "val_fraction", "questions": "outcomes"}

PROVENANCE_KEYS = {"n_selection": "n_val"}
ABSTENTION_KEYS = {"seen": "training_counts"}
EVALUATION_KEYS = {"opened": "evaluated"}
METRICS_KEYS = {
    "locked_test": "test_set",
    "opened": "evaluations",
    "first_opened": "first",
    "opened_now": "now",
    "mae_answered": "mae_reported",
    "within_0.2_answered": "within_0.2_reported",
}

EMBEDDINGS_FILE = "training_cloud.safetensors"
EVALUATIONS_FOLDER = "openings"
FLAGS = {"far_from_training": "out_of_distribution", "seen_in_training": "train_test_overlap"}
VALIDATION = "patients of the selection split, which also chose the checkpoint"
OUT_OF_FOLD = "patients whom the network saw neither in training nor in selection"
LOGGED, LOGGED_NOW = "selection/", "val/"  # what is measured on the validation split
VARIANTS = {"late_join": "late", "late_join_pva": "late_pva"}


def current(value: Any, keys: Mapping[str, str] = CONFIG_KEYS) -> Any:
    """Plain data under the names of this version.

    Args:
        value: As read from a file: mappings, lists, text and numbers.
        keys: Old names of keys, at any depth.

    Example:
        >>> current({"class_path": "ctt_net.models.fusion.LateJoinFusion"})
        {'class_path': 'ctt_net.models.fusion.LateFusion'}
        >>> current({"selection_fraction": 0.2, "monitor": "selection/mae"})
        {'val_fraction': 0.2, 'monitor': 'val/mae'}
    """
    if isinstance(value, Mapping):
        new = {keys.get(key, key): current(inner, keys) for key, inner in value.items()}
        if isinstance(new.get("monitor"), str):  # of a callback
            new["monitor"] = new["monitor"].replace(LOGGED, LOGGED_NOW)
        return new
    if isinstance(value, list):
        return [current(inner, keys) for inner in value]
    return current_class(value) if isinstance(value, str) else value


def current_class(path: str) -> str:
    """A class by its path or its name alone; other text comes back as it is.

    Example:
        >>> current_class("LateJoinFusion"), current_class("data/LateJoinFusion")
        ('LateFusion', 'data/LateJoinFusion')
    """
    module, dot, name = path.rpartition(".")
    if module and not module.startswith("ctt_net."):
        return path
    return f"{MODULES.get(module, module)}{dot}{CLASSES.get(name, name)}"


def current_arguments(arguments: list[str]) -> list[str]:
    """Command-line words of a training.

    Example:
        >>> current_arguments(["--data.selection_fraction=0.2", "--model.fusion", "LateJoinFusion"])
        ['--data.val_fraction=0.2', '--model.fusion', 'LateFusion']
        >>> current_arguments(["--trainer.callbacks.monitor", "selection/mae"])
        ['--trainer.callbacks.monitor', 'val/mae']
    """
    words: list[str] = []
    for word in arguments:
        flag, equals, value = word.partition("=")
        section, dot, key = flag.rpartition(".")
        if word.startswith(("--data.", "--model.")):
            flag = f"{section}{dot}{CONFIG_KEYS.get(key, key)}"
        if key == "monitor":
            value = value.replace(LOGGED, LOGGED_NOW)
        elif words and words[-1].endswith(".monitor"):
            flag = flag.replace(LOGGED, LOGGED_NOW)
        words.append(f"{flag}{equals}{current_class(value)}" if equals else current_class(flag))
    return words


def current_flags(flags: str) -> str:
    """The flags of an eye as `predictions.csv` has them.

    Example:
        >>> current_flags("missing_view:vertical;far_from_training;abstain")
        'missing_view:vertical;out_of_distribution;abstain'
    """
    return ";".join(FLAGS.get(flag, flag) for flag in flags.split(";"))
