"""The command line, one file per command: the only room that knows one."""

from ctt_net.cli.main import main
