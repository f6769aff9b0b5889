"""A spreadsheet and a folder of exports become a cohort folder, by a mapping a person wrote."""

from ctt_net.prepare.mapping.mapping import CohortMapping, check_mapping, read_mapping
from ctt_net.prepare.run import Prepared, prepare_cohort
