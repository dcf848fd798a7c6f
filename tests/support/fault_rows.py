"""The list of faults (docs/faults.md) and the tests that are named after its rows.

`python -m tests.support.fault_rows` prints each row with its tests.
"""

from linkwork.settings import PROJECT_ROOT
from tests.support.listed_rows import Listing

FAULTS = Listing(PROJECT_ROOT / "docs" / "faults.md", "f")

if __name__ == "__main__":
    FAULTS.show()
