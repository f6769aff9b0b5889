"""The self-contained model folder; nothing in it is ever unpickled."""
