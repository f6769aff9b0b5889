"""The command line, one file per command."""

from ctt_net.cli.main import main
