"""The list of edge cases (docs/edge-cases.md) and the tests that are named after its rows.

`python -m tests.support.edge_rows` prints each row with its tests.
"""

from linkwork.settings import PROJECT_ROOT
from tests.support.listed_rows import Listing

EDGES = Listing(PROJECT_ROOT / "docs" / "edge-cases.md", "e")

if __name__ == "__main__":
    EDGES.show()
