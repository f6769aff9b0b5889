"""The mapping: what a person says of a spreadsheet and a folder of scans."""
