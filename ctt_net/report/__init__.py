"""Pages, figures and tables of all commands: what the numbers mean, for readers."""
