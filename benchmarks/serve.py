"""How fast `ctt-net serve` answers, and whether its memory stays flat under load.

    python -m benchmarks.serve MODEL PATIENT
    python -m benchmarks.serve MODEL PATIENT --clients 8 --seconds 60 --brief

PATIENT is a folder with scans and patient.yaml. One client first, then several at once. Timed is
the whole request, scans sent and JSON received; the processor time of the server per request does
not depend on what else the machine does. Memory is what all processes of the server hold together.
Both by psutil (it comes with ipykernel, of the extra `dev`). Heat maps are never asked for; --brief
leaves out measures, explanation and similar eyes too.
"""

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from ctt_net.cohort.scan_names import eye_and_view, is_scan
from ctt_net.io.yaml_file import read_yaml_mapping

WARM_UP = 10


def request_of(folder: Path, eyes: list[str], views: list[str]) -> dict[str, Any]:
    """Files and fields for some eyes of a patient folder."""
    facts = read_yaml_mapping(folder / "patient.yaml")
    files, data = [], {"patient_id": folder.name, "notation": str(facts.get("notation", ""))}
    for path in sorted(folder.iterdir()):
        if is_scan(path):
            eye, view = eye_and_view(path, views)
            if eye in eyes:
                files.append((f"files.{eye}.{view}", (path.name, path.read_bytes())))
                data[f"preop_va.{eye}"] = str(facts["preop_va"][eye])
    for name, value in facts.get("covariates", {}).items():
        for eye in eyes:
            of_eye = value.get(eye) if isinstance(value, dict) else value
            data[f"covariates.{name}.{eye}"] = "" if of_eye is None else str(of_eye)
    return {"files": files, "data": data}


def memory_mb(process: psutil.Process) -> float:
    """Resident memory of a process and its children."""
    family = [process, *process.children(recursive=True)]
    return sum(one.memory_info().rss for one in family) / 2**20


def processor_seconds(process: psutil.Process) -> float:
    """Processor time of a process and its children so far."""
    family = [process, *process.children(recursive=True)]
    times = [one.cpu_times() for one in family]
    return sum(one.user + one.system for one in times)


def summary(name: str, seconds: list[float]) -> str:
    """Median and 95th percentile of durations, in ms."""
    p50, p95 = 1000 * np.quantile(seconds, (0.5, 0.95))
    return f"{name}: {len(seconds)} requests, median {p50:.0f} ms, p95 {p95:.0f} ms"


def one_client(address: str, request: dict[str, Any], number: int) -> list[float]:
    """Durations of requests one after the other."""
    took = []
    with httpx.Client(base_url=address, timeout=120) as client:
        for _ in range(number):
            start = time.perf_counter()
            client.post("/v1/predictions", **request).raise_for_status()
            took.append(time.perf_counter() - start)
    return took


def many_clients(
    address: str, request: dict[str, Any], clients: int, seconds: float, process: psutil.Process
) -> tuple[list[float], list[str], list[float]]:
    """Durations, errors and memory over time while several clients ask without a pause.

    Answers that come after the end do not count.
    """
    took: list[float] = []
    errors: list[str] = []
    end = time.monotonic() + seconds

    def ask() -> None:
        with httpx.Client(base_url=address, timeout=120) as client:
            while time.monotonic() < end:
                start = time.perf_counter()
                answer = client.post("/v1/predictions", **request)
                if time.monotonic() < end:
                    took.append(time.perf_counter() - start)
                if answer.status_code != 200:
                    errors.append(answer.text[:200])

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    memory = []
    while time.monotonic() < end:
        memory.append(memory_mb(process))
        time.sleep(min(5, seconds / 4))
    for thread in threads:
        thread.join()
    return took, errors, [*memory, memory_mb(process)]


def main() -> None:
    """Start a server, ask it, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model", type=Path)
    parser.add_argument("patient", type=Path)
    parser.add_argument("--eye", action="append", help="default OD")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--brief", action="store_true", help="details=false")
    options = parser.parse_args()
    command = [sys.executable, "-m", "ctt_net.cli", "serve", str(options.model), "--port", "0"]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        process = psutil.Process(running.pid)
        try:
            print(f"ready after {time.perf_counter() - start:.1f} s, {memory_mb(process):.0f} MB")
            views = httpx.get(f"{address}v1/model").json()["views"]
            request = request_of(options.patient, options.eye or ["OD"], views)
            if options.brief:
                request["data"]["details"] = "false"
            one_client(address, request, WARM_UP)
            before = processor_seconds(process)
            print(summary("one client", one_client(address, request, options.requests)))
            spent = (processor_seconds(process) - before) / options.requests
            print(f"processor time of a request: {1000 * spent:.0f} ms")
            took, errors, memory = many_clients(
                address, request, options.clients, options.seconds, process
            )
            print(summary(f"{options.clients} clients for {options.seconds:g} s", took))
            print(f"{len(took) / options.seconds:.1f} per second; errors: {len(errors)}")
            print(f"memory in MB: {', '.join(f'{one:.0f}' for one in memory)}", *errors[:3])
        finally:
            running.terminate()


if __name__ == "__main__":
    main()
