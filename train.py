"""Same as `ctt-net train`."""

import sys

from ctt_net.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
