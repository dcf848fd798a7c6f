"""Prove that a person is gone: search every byte below the home, inside containers too, for what identifies one."""

from linkwork.privacy.scan.needles import Needles
from linkwork.privacy.scan.result import Hit, ScanResult, Unreadable
from linkwork.privacy.scan.scanner import Limits, scan

__all__ = ["Hit", "Limits", "Needles", "ScanResult", "Unreadable", "scan"]
