"""What a B-scan shows of the macula, measured in its segmentation."""

from ctt_net.biomarkers.definitions import DEFINITIONS, NAMES, Definition
from ctt_net.biomarkers.measures import Measure, Measures, measure
