"""Loggers of a configuration, such as wandb: where one fails, the training goes on without it."""

from collections.abc import Callable
from typing import Any

from pytorch_lightning.loggers import Logger

from ctt_net.training.run_log import LOG
from ctt_net.training.trainer import one_line


class Tracker(Logger):
    """A logger that is switched off, with a warning, at its first error.

    Args:
        logger: As configured.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger: Logger | None = logger

    def _attempt(self, do: Callable[[Any], Any]) -> Any:
        if self._logger is None:
            return None
        try:
            return do(self._logger)
        except Exception as error:  # whatever a service, its network and its disk come up with
            LOG.warning(
                "warning: %s: %s; the training goes on without it, its figures are in metrics.csv",
                type(self._logger).__name__,
                one_line(error),
            )
            self._logger = None
            return None

    @property
    def experiment(self) -> Any:
        """That of the logger."""
        return self._attempt(lambda logger: logger.experiment)

    @property
    def name(self) -> str | None:
        """Of the experiment."""
        name: str | None = self._attempt(lambda logger: logger.name)
        return name

    @property
    def version(self) -> int | str | None:
        """Of the experiment."""
        version: int | str | None = self._attempt(lambda logger: logger.version)
        return version

    def log_metrics(self, *arguments: Any, **keys: Any) -> None:
        """See `Logger.log_metrics`."""
        self._attempt(lambda logger: logger.log_metrics(*arguments, **keys))

    def log_hyperparams(self, *arguments: Any, **keys: Any) -> None:
        """See `Logger.log_hyperparams`."""
        self._attempt(lambda logger: logger.log_hyperparams(*arguments, **keys))

    def save(self) -> None:
        """See `Logger.save`."""
        self._attempt(lambda logger: logger.save())

    def after_save_checkpoint(self, *arguments: Any) -> None:
        """See `Logger.after_save_checkpoint`."""
        self._attempt(lambda logger: logger.after_save_checkpoint(*arguments))

    def finalize(self, status: str) -> None:
        """See `Logger.finalize`."""
        self._attempt(lambda logger: logger.finalize(status))

    def finish(self) -> None:
        """End a wandb run, which Lightning leaves open: the next fold would go on in it."""
        self._attempt(lambda logger: getattr(logger.experiment, "finish", lambda: None)())
