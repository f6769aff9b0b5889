"""Same as `ctt-net predict`."""

import sys

from ctt_net.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
