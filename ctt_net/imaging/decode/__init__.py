"""Scan files of any format and depth to grey pictures."""
