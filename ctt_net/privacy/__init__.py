"""What identifies a person leaves a cohort before it is passed on."""
