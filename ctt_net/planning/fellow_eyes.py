"""What two eyes of one patient are worth: less than two, more than one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ctt_net.errors import InputError

# Fewer pairs of fellow eyes say nothing of how alike they are.
FEWEST_PAIRS = 10

# Where nobody knows, two eyes of a patient are counted as one.
CAUTIOUS_CORRELATION = 1.0


def design_effect(eyes_per_patient: float, correlation: float) -> float:
    """By how much the variance of a mean over eyes exceeds that over as many patients.

    Kish 1965: 1 + (sum m(m-1) / n) r for n eyes in clusters of m. With one or two eyes of a patient
    the sum over n is the share of eyes whose fellow eye is there too, 2 (1 - 1 / eyes_per_patient).

    Args:
        eyes_per_patient: Mean, from 1 to 2.
        correlation: Of the averaged figure between fellow eyes.

    Returns:
        1 for one eye each; 1 + correlation where everybody has two.

    Raises:
        InputError: If a value is impossible.

    Example:
        >>> design_effect(2.0, 0.5)
        1.5
    """
    if not 1 <= eyes_per_patient <= 2:
        raise InputError(f"eyes per patient must lie in 1..2, got {eyes_per_patient:g}")
    if not 0 <= correlation <= 1:
        raise InputError(f"a correlation of fellow eyes must lie in 0..1, got {correlation:g}")
    return 1 + 2 * (1 - 1 / eyes_per_patient) * correlation


def fellow_correlation(values: NDArray[np.float64], patients: pd.Series) -> float | None:
    """Intraclass correlation of a figure between the two eyes of a patient.

    Fisher's: products of both eyes' deviations from the mean of all, over the variance of all.

    Args:
        values: (eyes,).
        patients: Patient of each eye.

    Returns:
        At least 0, since a chance negative one would promise more than independent eyes; None with
        fewer than `FEWEST_PAIRS` patients with two eyes, or a figure that is the same everywhere.
    """
    centred = pd.Series(values - values.mean()).groupby(patients.to_numpy(), sort=False)
    size = centred.transform("size").to_numpy()
    pairs = int((size == 2).sum()) // 2
    variance = float(np.var(values))
    if pairs < FEWEST_PAIRS or variance == 0:
        return None
    products = centred.prod()[centred.size() == 2]
    return float(np.clip(products.mean() / variance, 0.0, 1.0))
