"""Jobs on a Ray cluster of two nodes on this machine; one is lost in the middle."""

import signal
import threading

import pytest

from ctt_net.errors import InputError
from ctt_net.launch import Place, run_jobs
from tests.launch.conftest import wait_until

ray = pytest.importorskip("ray", reason="needs the extra launch")
pytest.importorskip("ray.cluster_utils")


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    before = signal.getsignal(signal.SIGTERM)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.lost = cluster.add_node(num_cpus=2)
    cluster.add_node(num_cpus=2)
    ray.init(address=cluster.address, log_to_driver=False)
    signal.signal(signal.SIGTERM, before)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_jobs_of_a_lost_node_begin_again_and_all_are_done_once(cluster, jobs_of):
    jobs = jobs_of(*(f"brief{number}" for number in range(20)))

    finished_then = []

    def lose_a_node():
        wait_until(lambda: sum(job.finished() for job in jobs) >= 6)
        cluster.remove_node(cluster.lost, allow_graceful=False)
        finished_then.append(sum(job.finished() for job in jobs))

    thread = threading.Thread(target=lose_a_node)
    thread.start()
    assert run_jobs(jobs, Place("ray")) == []
    thread.join()
    assert [job.out.read_text() for job in jobs] == [f"{job.title} done\n" for job in jobs]
    assert 6 <= finished_then[0] < 20, "it was in the middle"


def test_a_failed_job_is_told_and_the_others_go_on(cluster, jobs_of):
    jobs = jobs_of("good", "wrong", "fine")
    (failure,) = run_jobs(jobs, Place("ray", options={"num_cpus": 1}))
    assert (failure.title, failure.status) == ("wrong", 2)
    assert [job.finished() for job in jobs] == [True, False, True]


def test_an_option_that_is_none_is_refused(cluster, jobs_of):
    with pytest.raises(InputError, match=r"launcher options: .*num_cpu"):
        run_jobs(jobs_of("good"), Place("ray", options={"num_cpu": 1}))
