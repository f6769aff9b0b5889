"""Raw device exports to B-scans: what is in a volume, and which sections of it the network sees."""
