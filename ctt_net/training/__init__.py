"""Train from a config: folds, checkpoints, run folder and model folders."""
