"""A trained model in use: on a held-out cohort, and on one patient's folder."""
