"""Loggers of the configuration: an error of one is said once and stops nothing."""

import pytest
from pytorch_lightning.loggers import Logger

from ctt_net.training.tracking import Tracker


class Service(Logger):
    """Works until the network is away; keeps what reached it."""

    def __init__(self, away):
        super().__init__()
        self.away, self.kept = away, []

    def _reach(self, what):
        if self.away:
            raise ConnectionError("no route\nto host")
        self.kept.append(what)
        return what

    @property
    def experiment(self):
        return self._reach("experiment")

    @property
    def name(self):
        return "service"

    @property
    def version(self):
        return 3

    def log_metrics(self, metrics, step=None):
        self._reach((metrics, step))

    def log_hyperparams(self, params):
        self._reach(params)

    def finalize(self, status):
        self._reach(status)


def use(tracker):
    tracker.log_hyperparams({"lr": 1})
    tracker.log_metrics({"val/mae": 0.2}, step=4)
    tracker.save()
    tracker.finalize("success")
    tracker.finish()


def test_all_reaches_a_logger_that_works(capsys):
    service = Service(away=False)
    tracker = Tracker(service)
    assert (tracker.name, tracker.version, tracker.experiment) == ("service", 3, "experiment")
    use(tracker)
    assert service.kept[1:4] == [{"lr": 1}, ({"val/mae": 0.2}, 4), "success"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("at", ["begin", "later"])
def test_a_logger_without_its_network_is_left_alone_after_one_warning(capsys, at):
    service = Service(away=at == "begin")
    tracker = Tracker(service)
    assert hasattr(tracker, "experiment")
    service.away = True
    use(tracker)
    service.away = False
    use(tracker)
    assert service.kept == ([] if at == "begin" else ["experiment"])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Service: no route to host; the training goes on without it" in said
