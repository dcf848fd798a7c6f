"""Helpers shared by the tests: a home with keys, files as a sender would write them, and a plain reader of the log."""
