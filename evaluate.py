"""Same as `ctt-net evaluate`."""

import sys

from ctt_net.cli import main

if __name__ == "__main__":
    sys.exit(main(["evaluate", *sys.argv[1:]]))
