"""Where a message's microseconds go: by process, by system call, by library and function. Needs perf (linux-perf) and root."""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import relay
from load import Sink, send
from peers import USER, Veredus
from report import progress, table

SESSIONS, PER_SESSION, SECONDS = 50, 50, 4
FUNCTIONS = 25  # the topmost outside the kernel


def run(_kinds, options, place):
    """The report; it is about Veredus alone."""
    parts = ["## Profile"]
    if not shutil.which("perf") or os.geteuid() != 0:
        return parts[0] + "\n\nNot made: it needs root, and perf of the package linux-perf."
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink())
        for title, peer, work in ((f"accept, {SESSIONS} sessions × {PER_SESSION}", Veredus(place / "a"), accept_some),
                                  (f"relay, {relay.SESSIONS} sessions × {relay.PER_SESSION}", Veredus(place / "r", relay.routes(1), sink.port),
                                   relay_some)):
            with peer:
                parts.append(of_one(title, peer, lambda peer=peer, work=work: work(peer, sink), place))
    return "\n\n".join(parts)


def accept_some(peer, _sink):
    return send(peer, USER, sessions=SESSIONS, per_session=PER_SESSION, seconds=SECONDS)["messages"]


def relay_some(peer, sink):
    relay.measure(peer, sink, 1, 3000)
    return 3000


def of_one(title, peer, work, place):
    names = {pid: pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in peer.instance.processes()}
    work()  # warm
    before, messages = times(names), work()
    spent = {name: [(after - then) * 1e6 / messages for after, then in zip(now, before[name])] for name, now in times(names).items()}
    progress(f"profile: {title}: {sum(map(sum, spent.values())):.0f} µs a message")
    calls = system_calls(names, work, place)
    libraries, functions = samples(names, work, place)
    total = sum(map(sum, spent.values()))
    by_process = [[name, f"{user:.0f}", f"{system:.0f}", ", ".join(f"{call} {count:.1f}" for call, count in calls.get(name, []))]
                  for name, (user, system) in spent.items() if user + system >= 0.005 * total]
    return "\n\n".join([f"### {title}: {total:.0f} µs of CPU a message",
                        table(["process", "user µs", "system µs", "system calls a message"], by_process),
                        table(["process", "in", "share"], libraries), table(["process", "in", "function", "share"], functions)])


def times(names):
    """{name: (user, system)} seconds."""
    tick, found = os.sysconf("SC_CLK_TCK"), collections.defaultdict(lambda: (0.0, 0.0))
    for pid, name in names.items():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        found[name] = (found[name][0] + int(fields[11]) / tick, found[name][1] + int(fields[12]) / tick)
    return found


@contextlib.contextmanager
def watched_by(*command):
    watcher = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)  # perf says nothing when it has begun
    try:
        yield
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.wait()


def system_calls(names, work, place):
    """{name: [(call, times a message)]}, the most frequent first."""
    file, pids = place / "trace", ",".join(map(str, names))
    with watched_by("perf", "trace", "-s", "-p", pids, "-o", str(file)):
        messages = work()
    found, name = collections.defaultdict(collections.Counter), ""
    for line in file.read_text().splitlines():
        if heading := re.match(r" (\S+) \(\d+\), \d+ events", line):
            name = heading[1]
        elif row := re.match(r"   ([a-z]\w+) +(\d+) ", line):
            found[name][row[1]] += int(row[2])
    return {name: [(call, count / messages) for call, count in calls.most_common() if count / messages >= 0.05]
            for name, calls in found.items()}


def samples(names, work, place):
    """Rows by process and library, and the topmost functions."""
    file = place / "perf.data"
    with watched_by("perf", "record", "-F", "4000", "-p", ",".join(map(str, names)), "-o", str(file)):
        work()
    libraries = collections.Counter()
    for share, process, library in report(file, "comm,dso"):
        libraries[process, library] += share
    rows = [[process, library, f"{share:.1f} %"] for (process, library), share in libraries.most_common() if share >= 1]
    functions = [[process, library, f"`{short(name)}`", f"{share:.1f} %"] for share, process, library, name in report(file, "comm,dso,sym")
                 if not library.startswith("[")]
    return rows, functions[:FUNCTIONS]


def short(name):
    """A function's name without perf's mark and without template arguments."""
    return re.sub(r"<.*>", "<…>", re.sub(r"^\[.\] ", "", name))


def report(file, keys):
    """Rows of a perf report: the share, then the keys."""
    done = subprocess.run(["perf", "report", "-i", str(file), "--stdio", "--sort", keys, "--field-separator", "\t"],
                          capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.strip() and not line.startswith("#"):
            share, *rest = [field.strip() for field in line.split("\t")]
            yield [float(share.rstrip("%")), *rest]
