"""Reading and writing files: whole or not at all, and with one clear message for what is wrong."""
