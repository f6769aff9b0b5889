"""What a command says where the packages it needs are not installed."""

import contextlib
from collections.abc import Iterator

from ctt_net.errors import InputError, install_extra


@contextlib.contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    """Import inside; a package that is missing becomes one message with the cure.

    Args:
        what: That needs it, such as `training`.
        extra: Of ctt-net, which installs it.

    Raises:
        InputError: If a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).startswith("ctt_net"):
            raise
        raise InputError(
            f"{what} needs {error.name}, which is not installed; {install_extra(extra)}"
        ) from None
