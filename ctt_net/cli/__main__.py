"""`python -m ctt_net.cli`."""

import sys

from ctt_net.cli.main import main

sys.exit(main())
