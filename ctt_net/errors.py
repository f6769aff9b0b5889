"""What a user is told: the one kind of error that is the input's fault, and how to install."""


class InputError(ValueError):
    """Bad input: the message names file, row, value and cure, and is shown to the user as it is.

    Every door (cohort folder, model folder, predictions table, command line) raises this or a
    subclass; the command line prints the message and exits with code 2.
    """


def install_extra(extra: str) -> str:
    """The command that installs an extra.

    From the checkout, not from an index: nobody has published this project there, so whoever
    takes its name could have their own code installed.
    """
    return f"pip install '.[{extra}]' in the checkout of ctt-net"
