"""Benchmarks of the event log: ratios measured in one run, never part of the tests (see `README.md`)."""
