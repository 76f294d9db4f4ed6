"""Runs a command and writes what it used, as one line of numbers: seconds, CPU seconds, KiB of memory at most, and the
CPU seconds of the threads in which SQLite runs.

    python3 measure.py REPORT COMMAND [ARGUMENT ...]
"""

import os
import sys
import threading
import time

report, command = sys.argv[1], sys.argv[2:]
in_sqlite = {}


def watch(tasks):
    """A thread's CPU time is gone with the thread, so it is looked at again and again."""
    while True:
        try:
            for thread in os.listdir(tasks):
                with open(f"{tasks}/{thread}/comm") as name:
                    if not name.read().startswith("sqlx-sqlite"):
                        continue
                with open(f"{tasks}/{thread}/schedstat") as times:
                    in_sqlite[thread] = int(times.read().split()[0])
        except (OSError, ValueError):
            pass
        time.sleep(0.05)


began = time.monotonic()
child = os.posix_spawnp(command[0], command, os.environ)
threading.Thread(target=watch, args=(f"/proc/{child}/task",), daemon=True).start()
_, status, used = os.wait4(child, 0)
seconds = time.monotonic() - began
with open(report, "w") as file:
    print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, sum(in_sqlite.values()) / 1e9, file=file)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
