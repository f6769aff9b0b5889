"""`ctt-net prepare --draft`: a mapping drafted from a table and a folder of scans."""
