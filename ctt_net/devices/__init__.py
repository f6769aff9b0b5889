"""Raw device exports to B-scans: what is in a volume, and which sections of it the network sees."""

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.read import is_device_file, read_acquisition, read_acquisitions
from ctt_net.devices.sections import (
    FovealSections,
    cut_foveal_sections,
    foveal_sections,
    raster_lines,
)
