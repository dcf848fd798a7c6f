"""What a scan found. Nothing here holds a needle, not even where a file is named after one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hit:
    """One place that holds a needle: `path` below the home, `inside` the file, which needle, in which encoding."""

    path: str
    inside: str
    kind: str
    encoding: str


@dataclass(frozen=True)
class Unreadable:
    """Content that could not be searched in full, and why. It leaves the proof incomplete."""

    path: str
    inside: str
    reason: str


@dataclass
class ScanResult:
    """Counts are of regular files and of their bytes as stored, not of what was unpacked from them."""

    files: int = 0
    bytes: int = 0
    hits: list[Hit] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Everything was searched."""
        return not self.unreadable

    @property
    def clean(self) -> bool:
        """Everything was searched, and nothing was found."""
        return self.complete and not self.hits
