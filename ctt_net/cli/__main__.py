"""`python -m ctt_net.cli`."""

import sys

from ctt_net.cli.main import main

if __name__ != "__mp_main__":  # the name under which processes of `serve` read this file again
    sys.exit(main())
