"""Children: their exit code and last words come back, and a signal to us reaches them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkwork import processes, signals
from linkwork.errors import BusyError
from linkwork.log.lock import writer_lock

ROOT = Path(__file__).parents[2]


def test_the_exit_code_and_the_end_of_the_output_come_back(tmp_path):
    log = tmp_path / "logs" / "child.log"
    done = processes.run(
        [sys.executable, "-c", "import sys; print('x' * 5000 + 'end'); print('bad', file=sys.stderr); sys.exit(3)"],
        log=log,
    )
    assert done.returncode == 3
    assert len(done.output) == 4000
    assert "end" in done.output
    assert "bad" in done.output
    assert len(log.read_text()) > 5000


def test_a_child_gets_no_input_its_folder_and_extra_environment(tmp_path):
    code = (
        "import os, sys; e = os.environ; print(repr(sys.stdin.read()), os.getcwd(), e['EXTRA'], e['PYTHONUNBUFFERED'])"
    )
    done = processes.run([sys.executable, "-c", code], log=tmp_path / "log", cwd=tmp_path, extra_env={"EXTRA": "yes"})
    assert done.output.split() == ["''", str(tmp_path), "yes", "1"]
    assert "EXTRA" not in os.environ


def test_a_child_killed_by_a_signal_says_so(tmp_path):
    done = processes.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], log=tmp_path / "log")
    assert done.returncode == -signal.SIGKILL


def test_arguments_never_pass_through_a_shell(tmp_path):
    marker = tmp_path / "made"
    done = processes.run(
        [sys.executable, "-c", "import sys; print(sys.argv[1])", f"$(touch {marker}); `id`"], log=tmp_path / "l"
    )
    assert done.output.strip() == f"$(touch {marker}); `id`"
    assert not marker.exists()


PARENT = """
import sys
from pathlib import Path
from linkwork import processes
child = '''
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("stopping", flush=True), sys.exit(7)))
print("ready", flush=True)
time.sleep(60)
'''
print(processes.run([sys.executable, "-c", child], log=Path(sys.argv[1])).returncode)
"""


def test_sigterm_is_passed_on_and_the_childs_own_end_is_reported(tmp_path):
    log = tmp_path / "log"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(log)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    while not (log.exists() and "ready" in log.read_text()):
        assert parent.poll() is None
    parent.terminate()
    out, _ = parent.communicate(timeout=60)
    assert out.strip() == "7"
    assert "stopping" in log.read_text()


def test_who_handles_a_signal_gets_it_when_the_child_has_ended(tmp_path):
    got = []
    code = "import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()"
    with signals.handled(lambda number, _frame: got.append(number), signal.SIGTERM):
        assert processes.run([sys.executable, "-c", code], log=tmp_path / "log").returncode == -signal.SIGTERM
    assert got == [signal.SIGTERM]


def test_the_handlers_are_as_they_were_afterwards(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    processes.run([sys.executable, "-c", ""], log=tmp_path / "log")
    assert signal.getsignal(signal.SIGTERM) == before


def test_stop_ends_a_child_that_does_not_want_to(tmp_path):
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(60)"
    )
    log = tmp_path / "log"
    child = processes.start([sys.executable, "-c", code], log=log)
    while "ready" not in log.read_text():
        assert child.poll() is None
    processes.stop([child], patience_seconds=0.2)
    assert child.returncode == -signal.SIGKILL


HOLDER = """
import sys
from pathlib import Path
from linkwork import processes
from linkwork.log.lock import writer_lock
folder = Path(sys.argv[1])
with writer_lock(folder, 1) as lock:
    processes.run([sys.executable, "-c", sys.argv[2]], log=folder / "child.log", lock=lock)
"""


def test_a_lock_is_held_as_long_as_a_child_goes_on_whose_parent_was_killed(tmp_path):
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), code], cwd=ROOT)
    log = tmp_path / "child.log"
    while not (log.exists() and log.read_text().strip()):
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    with pytest.raises(BusyError), writer_lock(tmp_path, 0):
        pass
    os.kill(int(log.read_text()), signal.SIGKILL)
    with writer_lock(tmp_path, 30):
        pass


def test_a_child_of_a_user_without_home_and_name_has_one_that_is_not_there(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert processes.environment()["HOME"] == "/somewhere"
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("no such user")))
    assert processes.environment()["HOME"] == "/nonexistent"
    assert processes.environment({"HOME": "/given"})["HOME"] == "/given"
