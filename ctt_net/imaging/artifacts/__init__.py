"""What devices and exports draw over a B-scan: found, read and filled."""
