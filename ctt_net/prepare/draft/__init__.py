"""A first mapping, drafted from a table and a folder for a person to finish."""
