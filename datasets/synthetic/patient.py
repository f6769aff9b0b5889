"""Same as `ctt-net simulate --patient`: `python datasets/synthetic/patient.py OUT --seed 2`."""

import sys
from collections.abc import Sequence
from pathlib import Path

# So that a fresh clone can simulate before anything is installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ctt_net.cli import main as ctt_net


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate the folder of one patient."""
    return ctt_net(["simulate", "--patient", *(sys.argv[1:] if argv is None else argv)])


if __name__ == "__main__":
    sys.exit(main())
