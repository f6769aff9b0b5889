"""De-identification: a cohort folder that can leave the hospital (docs/privacy.md)."""

from ctt_net.deidentify.run import Deidentified, deidentify
