"""How a command ends."""

DONE, FAULT_OF_OURS, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
