"""What the benchmarks say a command uses counts every process it starts, those too that nobody waits for."""

import sys
from pathlib import Path

from benchmarks import tree

# A child that starts another in the background, which holds 100 MB and works until it has used more than half a second:
# the system tells whole hundredths, rounded down, of user and system time apart.
WORK = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", '''
import time
held = bytearray(b"x") * 100_000_000
while time.process_time() < 0.55:
    pass
time.sleep(0.5)
'''])
while child.poll() is None:
    time.sleep(0.05)
print("done")
print("complaint", file=sys.stderr)
sys.exit(3)
"""


def test_all_processes_of_a_command_are_counted(tmp_path: Path) -> None:
    used = tree.run([sys.executable, "-c", WORK], tmp_path / "log")
    assert used.time.processor >= 0.5
    assert used.peak_mib > 100
    assert (used.code, used.output, used.errors) == (3, "done\n", "complaint\n")


def test_a_command_gets_the_variables_given(tmp_path: Path) -> None:
    used = tree.run([sys.executable, "-c", "import os; print(os.environ['GIVEN'])"], tmp_path / "log", {"GIVEN": "x"})
    assert (used.code, used.output) == (0, "x\n")
