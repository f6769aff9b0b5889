"""The figures of a run, for its bundle."""

from pathlib import Path

from ctt_net.errors import InputError
from ctt_net.io.atomic_write import roll_back_unfinished
from ctt_net.metrics.summary import METRICS_FILE, read_metrics


def out_of_fold_metrics(run: Path) -> dict[str, float]:
    """Error of each fold's model on the eyes that it never saw; empty if the folder has none.

    Args:
        run: Run or model folder.

    Raises:
        InputError: If metrics.json is damaged.
    """
    roll_back_unfinished(run)
    path = run / METRICS_FILE
    if not path.is_file():
        return {}
    data = read_metrics(run)
    try:
        error = data["regression"]["mae"]
        return {
            "out_of_fold_eyes": int(data["n_eyes"]),
            "out_of_fold_patients": int(data["n_patients"]),
            "out_of_fold_mae_logmar": float(error["value"]),
            "out_of_fold_mae_ci95_low_logmar": float(error["ci95"][0]),
            "out_of_fold_mae_ci95_high_logmar": float(error["ci95"][1]),
        }
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InputError(
            f"{path}: damaged ({error!r}); train the run again, or bundle one of its model folders"
        ) from None
