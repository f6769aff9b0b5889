"""The one kind of error that is the input's fault, not the program's."""


class InputError(ValueError):
    """Bad input: the message names file, row, value and cure, and is shown to the user as it is.

    Every door (cohort folder, model folder, predictions table, command line) raises this or a
    subclass; the command line prints the message and exits with code 2.
    """
