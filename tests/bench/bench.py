#!/usr/bin/python3
"""./dev bench accept: messages accepted a second, durable, beside Postfix on the same disk in the same run.

usage: bench.py accept [SESSIONS…]    (default 1 10 50 200)
"""

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import postfix  # noqa: E402
from harness.instance import BUILD, Instance  # noqa: E402

ROUNDS = int(os.environ.get("VEREDUS_BENCH_ROUNDS", 3))
SIZE = 4096
# Messages of each session, by sessions: a cell takes some seconds.
MESSAGES = {1: 400, 10: 150, 50: 60, 200: 25}
LOAD = BUILD / "tests" / "bench" / "smtp_load"


class Veredus:
    name = "veredus"

    def __init__(self, place):
        self.instance = Instance(place / "veredus", users=["u"], settings={"queue": {"paused": True}})
        self.port, self.recipient = self.instance.ports["smtp"], "u@example.org"

    def __enter__(self):
        Instance.running_now.append(self.instance)
        self.log = open(self.instance.directory / "log", "wb")
        self.instance.start(self.log)
        return self

    def __exit__(self, *arguments):
        self.instance.__exit__(None, None, None)

    def last_words(self):
        return (self.instance.directory / "log").read_text()[-3000:]

    def processes(self):
        return self.instance.processes()

    def leader(self):
        return self.instance.process.pid

    def empty(self):
        self.instance.veredus("queue", "delete", "all", check=False)


class Postfix:
    name = "postfix"

    def __init__(self, place):
        self.peer = postfix.Postfix(place / "postfix", domain="example.org", users=["u"],
                                    settings={"smtpd_client_restrictions": "check_client_access static:HOLD"})
        self.port, self.recipient = self.peer.port, "u@example.org"

    def __enter__(self):
        self.peer.__enter__()
        return self

    def __exit__(self, *arguments):
        self.peer.__exit__(None)

    def last_words(self):
        return self.peer.log()[-3000:]

    def leader(self):
        return self.peer.master_pid()

    def processes(self):
        return [self.leader(), *descendants(self.leader())]

    def empty(self):
        subprocess.run(["/usr/sbin/postsuper", "-c", str(self.peer.etc), "-d", "ALL"], capture_output=True)


def descendants(leader):
    parents = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                fields = pathlib.Path(f"/proc/{entry.name}/stat").read_text().rsplit(")", 1)[1].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, look = [], [leader]
    while look:
        children = parents.get(look.pop(), [])
        found += children
        look += children
    return found


def cpu_seconds(peer):
    """User and system time of all its processes, those that have ended included."""
    ticks = 0
    leader = peer.leader()
    for pid in peer.processes():
        with contextlib.suppress(OSError):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, fields[11:15] if pid == leader else fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def pss_mib(peer):
    total = 0
    for pid in peer.processes():
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def measure(peer, sessions):
    messages = MESSAGES.get(sessions, max(10, 3000 // sessions))
    before = cpu_seconds(peer)
    done = subprocess.run([LOAD, "127.0.0.1", str(peer.port), str(sessions), str(messages), str(SIZE), peer.recipient],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"bench: {peer.name} at {sessions} sessions: {done.stderr.strip()}\n{peer.last_words()}")
    result = json.loads(done.stdout)
    result["cpu_per_1000"] = (cpu_seconds(peer) - before) * 1000 / result["messages"]
    result["pss_mib"] = pss_mib(peer)
    peer.empty()
    return result


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def table(results, cells):
    lines = ["| sessions | peer | msg/s (min–max) | dot p50 ms | dot p99 ms | CPU s/1000 | PSS MiB | ratio |",
             "|---|---|---|---|---|---|---|---|"]
    for sessions in cells:
        base = median(results[sessions, "postfix"], "rate") if (sessions, "postfix") in results else None
        for (cell, name), rows in results.items():
            if cell != sessions:
                continue
            rates = [row["rate"] for row in rows]
            ratio = f"{statistics.median(rates) / base:.1f}" if base else ""
            lines.append(f"| {sessions} | {name} | {statistics.median(rates):,.0f} ({min(rates):,.0f}–{max(rates):,.0f}) | "
                         f"{median(rows, 'p50_ms'):.1f} | {median(rows, 'p99_ms'):.1f} | {median(rows, 'cpu_per_1000'):.2f} | "
                         f"{median(rows, 'pss_mib'):.0f} | {ratio} |")
    return "\n".join(lines)


def accept(cells):
    base = pathlib.Path(os.environ.get("VEREDUS_BENCH_DIR", BUILD / "bench"))
    base.mkdir(parents=True, exist_ok=True)
    place = pathlib.Path(tempfile.mkdtemp(prefix="b-", dir=base))
    kinds = [Veredus] + ([Postfix] if postfix.available() else [])
    if len(kinds) == 1:
        print("bench: Postfix needs root; Veredus alone", file=sys.stderr)
    results = {}
    try:
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(kind(place)) for kind in kinds]
            for number in range(ROUNDS):
                for sessions in cells:
                    for peer in peers if number % 2 == 0 else reversed(peers):
                        results.setdefault((sessions, peer.name), []).append(measure(peer, sessions))
                        print(f"round {number + 1}/{ROUNDS}, {sessions} sessions, {peer.name}: "
                              f"{results[sessions, peer.name][-1]['rate']:,.0f} msg/s", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"Messages of {SIZE // 1024} KiB accepted and kept, durable; median of {ROUNDS} rounds taking turns, {base}.\n")
    print(table(dict(sorted(results.items(), key=lambda each: (each[0][0], each[0][1] != 'veredus'))), cells))


def main():
    if sys.argv[1:2] != ["accept"]:
        sys.exit(__doc__)
    accept([int(word) for word in sys.argv[2:]] or sorted(MESSAGES))


if __name__ == "__main__":
    main()
