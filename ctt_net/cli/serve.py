"""`ctt-net serve`."""

import argparse
import os
from pathlib import Path

from ctt_net import INTENDED_USE
from ctt_net.cli.command import DONE, Commands, add_command, needs_extra
from ctt_net.io.cores import cores

TOKEN_VARIABLE = "CTT_NET_TOKEN"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        "serve",
        "serve a model as a web page and an HTTP API",
        run,
        [
            "ctt-net serve simulated",
            "ctt-net serve runs/ctt_net",
            "ctt-net serve runs/ctt_net --host 0.0.0.0 --name ocular.hospital.example",
        ],
    )
    parser.add_argument(
        "model",
        type=Path,
        help="run folder or model folder; 'simulated' is one that comes with ctt-net, to try this "
        "with (no clinical validity)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; any but this machine's own needs a token (default 127.0.0.1)",
    )
    parser.add_argument("--port", type=int, default=8760, help="default 8760; 0 = any free one")
    parser.add_argument(
        "--token",
        help=f"that clients must show; also read from {TOKEN_VARIABLE}, which other users of this "
        f"machine cannot see; made and printed where one is needed",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="name under which clients or a reverse proxy reach this machine; may be repeated",
    )
    parser.add_argument(
        "--workers",
        type=_positive,
        default=min(cores(), 4),
        metavar="N",
        help="processes that predict, each with the model (default: one per core, 4 at most)",
    )
    parser.add_argument(
        "--max-upload-mb", type=_positive, default=64, metavar="MB", help="limit of one upload"
    )
    parser.add_argument(
        "--timeout", type=_positive, default=60, metavar="SECONDS", help="limit of one prediction"
    )


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    with needs_extra("the web server", "serve"):
        from ctt_net.serve.run import log_to_terminal, serve

    def ready(address: str) -> None:
        print(f"{address}\n{INTENDED_USE}\nCtrl-C ends it.", flush=True)

    log_to_terminal()
    try:
        serve(
            options.model,
            options.host,
            options.port,
            token=options.token or os.environ.get(TOKEN_VARIABLE) or None,
            names=tuple(options.name),
            workers=options.workers,
            upload_mb=options.max_upload_mb,
            predict_seconds=options.timeout,
            ready=ready,
        )
    except KeyboardInterrupt:
        print("stopped")
    return DONE


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return number
