"""Readers of other people's pictures: one file and one row a program."""
