"""Biomarkers of the macula: layers and lesions of a B-scan, and what is measured in them.

Example:
    >>> from ctt_net.imaging import read_bscan
    >>> segmentation = Segmenter.load().segment(read_bscan(path).pixels)  # doctest: +SKIP
    >>> measure(segmentation, 3.87, 11.3).values["central_thickness_um"]  # doctest: +SKIP
    Measure(value=221.4, sd=4.1)
"""

from ctt_net.biomarkers.definitions import DEFINITIONS, NAMES, Definition
from ctt_net.biomarkers.measures import Measure, Measures, measure
from ctt_net.biomarkers.segmenter import Segmenter
