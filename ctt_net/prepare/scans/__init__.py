"""The user's scans: found, matched to eyes and copied."""
