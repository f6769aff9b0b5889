"""Many configurations on the same folds of a cohort, in one table."""
