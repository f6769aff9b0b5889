"""Postoperative visual acuity from several preoperative OCT B-scans and the preoperative acuity."""

__version__ = "0.2.0"

INTENDED_USE = (
    "Research use only. Not a medical device; not for diagnosis, treatment decisions or deciding "
    "whether to operate. Performance in your population is unknown until you validate it locally."
)
