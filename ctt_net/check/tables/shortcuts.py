"""Device or site that tells the outcome by itself: a shortcut for a network."""

from ctt_net.check.association import Association, association
from ctt_net.check.finding import Check, Finding
from ctt_net.cohort import Cohort

DEVICE = Check(
    "device-predicts-outcome",
    "a network can tell the device from the picture, and would then predict from it instead of "
    "from the eye",
    "find out why the devices have other eyes; balance them, or test on each device apart",
)
SITE = Check(
    "site-predicts-outcome",
    "whatever marks the scans of a site then predicts the outcome without the eye",
    "find out why the sites have other eyes; balance them, or test on each site apart",
)

# At 60 to 3,000 simulated eyes no clean cohort of 20 seeds reaches both (docs/check.md).
EFFECT_FLOOR = 0.06
ALPHA = 0.001
_SHOWN_GROUPS = 4


def shortcut_findings(cohort: Cohort) -> list[Finding]:
    """Groups whose outcome differs by more than chance and by more than a little."""
    found = []
    table = cohort.table
    for column, check in (("device", DEVICE), ("site", SITE)):
        if column in table:
            link = association(
                table[column], table["postop_logmar"], table["patient_id"], EFFECT_FLOOR
            )
            if link is not None and is_strong(link):
                found.append(check.found("warning", in_words(column, link), column=column))
    return found


def is_strong(link: Association) -> bool:
    """Whether groups differ beyond chance, and enough to be worth learning."""
    return link.omega_squared >= EFFECT_FLOOR and link.p_value <= ALPHA


def in_words(what: str, link: Association) -> str:
    """One sentence with the share of variance, the medians and the chance."""
    shown = list(link.medians.items())[:_SHOWN_GROUPS]
    medians = ", ".join(f"{name} {median:.2f}" for name, median in shown)
    more = f", ... ({len(link.medians)} groups)" if len(link.medians) > _SHOWN_GROUPS else ""
    return (
        f"{what} alone tells {link.omega_squared:.0%} of the variance of the postoperative acuity "
        f"(median logMAR {medians}{more}; permutation of {link.n_patients} patients, "
        f"p = {link.p_value:.2g})"
    )
