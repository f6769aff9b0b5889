"""What `train` and `pretrain` do with their arguments before they import torch."""

from collections.abc import Sequence

from ctt_net.cli.extra import needs_extra
from ctt_net.training.config_keys import check_arguments, cohort_folder


def checked_arguments(
    program: str, arguments: Sequence[str], help_text: str
) -> Sequence[str] | None:
    """Print the help, or see that keys, files and the cohort's tables are right.

    Args:
        program: `train` or `pretrain`.
        arguments: Command line after it.
        help_text: Of the program.

    Returns:
        What to train with; None where there is nothing more to do.

    Raises:
        InputError: If a key, a file or the cohort is wrong, or packages are missing.
    """
    if {"-h", "--help"} & set(arguments):
        print(help_text)
        return None
    if "--help-all" in arguments:
        return ["--help"]
    with needs_extra("training", "train"):
        flags = check_arguments(program, arguments)
    if not any(name == "print_config" for name, _ in flags):
        from ctt_net.cohort import read_cohort  # pandas, which the help needs not

        read_cohort(cohort_folder(program, flags))
    return arguments
