"""What a training says: on stderr as it goes, and with the time in `train.log` of its folder."""

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from pytorch_lightning.utilities.rank_zero import rank_zero_only

from ctt_net import __version__
from ctt_net.errors import InputError
from ctt_net.io.sigterm import Terminated

TEXT_FILE = "train.log"


def is_first_process() -> bool:
    """Whether this process writes; of several that train together only one does."""
    return getattr(rank_zero_only, "rank", 0) == 0


class _ToStderr(logging.Handler):
    """Asks for stderr at each line, since a progress bar takes its place for a time."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        if is_first_process():
            print(self.format(record), file=sys.stderr, flush=True)


def _logger() -> logging.Logger:
    logger = logging.getLogger("ctt_net.training")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(_ToStderr(logging.INFO))
    return logger


# INFO is shown and kept, DEBUG is kept only.
LOG = _logger()


@contextlib.contextmanager
def run_log(folder: Path) -> Iterator[None]:
    """Keep what is said inside, and how it ends, in `train.log`; a resumed training adds to it.

    Args:
        folder: Of the run; on the first process only.
    """
    file = logging.FileHandler(folder / TEXT_FILE, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    LOG.addHandler(file)
    LOG.debug("ctt-net %s", __version__)
    try:
        yield
        LOG.debug("done")
    except InputError as error:
        LOG.debug("error: %s", error)
        raise
    except KeyboardInterrupt as stopped:
        who = "stopped by SIGTERM" if isinstance(stopped, Terminated) else "interrupted"
        LOG.debug("%s; --resume true continues", who)
        raise
    except BaseException:
        LOG.debug("internal error", exc_info=True)
        raise
    finally:
        LOG.removeHandler(file)
        file.close()
