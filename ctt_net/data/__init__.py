"""From checked cohort to batches; `scans` needs no torch, the rest does."""
