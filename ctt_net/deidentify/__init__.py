"""De-identification: a cohort folder that can leave the hospital (docs/how-to/deidentify.md)."""

from ctt_net.deidentify.run import Deidentified, deidentify
