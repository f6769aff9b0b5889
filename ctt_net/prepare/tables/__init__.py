"""The user's table, read and turned into eyes."""
