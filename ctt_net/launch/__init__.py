"""Run independent jobs, such as the folds of a run, on this machine, on SLURM or on Ray."""

from ctt_net.launch.jobs import Failure, Job, exit_code, run_jobs
from ctt_net.launch.places import PLACES, Place
from ctt_net.launch.process import Command

__all__ = ["PLACES", "Command", "Failure", "Job", "Place", "exit_code", "run_jobs"]
