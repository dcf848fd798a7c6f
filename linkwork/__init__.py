"""Linkwork: an event-sourced data platform for regional social prescribing."""

__version__ = "0.1.0"
