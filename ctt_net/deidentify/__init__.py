"""What identifies a person leaves a cohort before it is passed on."""

from ctt_net.deidentify.run import Deidentified, deidentify
