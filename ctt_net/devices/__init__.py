"""Raw device files (Heidelberg, Topcon, Zeiss, DICOM) to B-scans: see docs/reference/devices.md.

`read_acquisition` reads a file into an `Acquisition`, a volume or lines with their geometry;
`foveal_sections` takes the horizontal and vertical B-scans through the fovea out of it.
"""

from ctt_net.devices.acquisition import Acquisition
from ctt_net.devices.read import is_device_file, read_acquisition, read_acquisitions
from ctt_net.devices.sections import (
    FovealSections,
    cut_foveal_sections,
    foveal_sections,
    raster_lines,
)
