"""What identifies a person leaves a cohort before it is passed on."""

from ctt_net.privacy.deidentify import Deidentified, deidentify
