"""Runs a command without a network, and counts how often it, or what it started, reached for one.

    python offline.py REPORT USER COMMAND …        USER: a number, or - for whoever runs this

Where the system allows it the command has a network namespace of its own, which leads nowhere: the system itself
counts what was to be sent, whatever program wanted to. Python programs say by themselves where they wanted to go, and
are refused (`sitecustomize.py` beside this). REPORT gets a line of JSON; the exit code is that of the command.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

NEW_USER, NEW_NET = 0x10000000, 0x40000000
HOOKS = Path(__file__).parent / "offline_hooks"


def main() -> int:
    report, user, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    cut_off = _cut_off()
    said = report.with_suffix(".said")
    said.touch()
    said.chmod(0o666)
    path = os.pathsep.join(filter(None, (str(HOOKS), os.environ.get("PYTHONPATH"))))
    env = os.environ | {"PYTHONPATH": path, "OFFLINE_SAID": str(said)}
    done = subprocess.run([*_as(user), *command], env=env, check=False)
    wanted = said.read_text().splitlines()
    said.unlink()
    with report.open("a") as file:
        line = {"command": command[1:], "cut_off": cut_off, "sent": _sent() if cut_off else 0, "wanted": wanted}
        file.write(json.dumps(line) + "\n")
    return done.returncode


def _as(user: str) -> list[str]:
    """What a command begins with that another user runs, who can write to nothing that is not theirs.

    They may read everything: the Python that runs the tests may lie in a folder that is closed to others.
    """
    if user == "-":
        return []
    reads = "-all,+dac_read_search"
    who = ("--reuid", user, "--regid", user, "--clear-groups")
    return ["setpriv", *who, f"--inh-caps={reads}", f"--ambient-caps={reads}", "--"]


def _cut_off() -> bool:
    """Leave the network, as whoever may; whether that was allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0:
        return bool(libc.unshare(NEW_NET) == 0)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(NEW_USER | NEW_NET) != 0:
        return False
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def _sent() -> int:
    """What the system was to send from here, or had no way for."""
    names, values = (
        line.split()[1:] for line in Path("/proc/self/net/snmp").read_text().splitlines() if line.startswith("Ip:")
    )
    older = dict(zip(names, map(int, values), strict=True))
    newer = dict(line.split() for line in Path("/proc/self/net/snmp6").read_text().splitlines())
    six = sum(int(newer.get(name, 0)) for name in ("Ip6OutRequests", "Ip6OutNoRoutes"))
    return older["OutRequests"] + older["OutNoRoutes"] + six


if __name__ == "__main__":
    sys.exit(main())
