"""A queue of a million messages that wait: what it costs to look at, to restart, and the mail that comes meanwhile."""

import contextlib
import itertools
import json
import os
import pathlib
import subprocess
import time

import relay
from load import PROGRAMS, Sink
from measure import pss_of_process
from peers import Veredus
from report import median, progress, table

FILL = PROGRAMS / "fill_queue"
SIZE, DESTINATIONS, SENDERS = 4096, 1000, 100
SCREEN = 24  # lines
WISHES = {"first screen of mailq, s": (0.2, False), "whole list, messages/s": (200_000, True), "status, s": (2, False),
          "list of one destination, s": (2, False), "queued's memory, MiB (peak)": (200, False), "restart until it relays, s": (5, False),
          "accept beside it, of an empty queue's rate": (0.8, True), "relay beside it, of an empty queue's rate": (0.8, True),
          "disk, times the bytes of the messages": (1.3, False)}


def run(kinds, options, place):
    """The report; it is about Veredus alone."""
    count = options.waiting
    heading = f"## Queue\n\n{count:,} messages of {SIZE // 1024} KiB for {DESTINATIONS} destinations wait. Memory is the peak of resident pages (VmHWM)."
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink())
        empty = stack.enter_context(Veredus(place / "empty", relay.routes(10), sink.port))
        full = Veredus(place / "full", relay.routes(10), sink.port)
        filled = fill(full, count)
        stack.enter_context(full)
        found = looking(full, count)
        progress("queue: " + "; ".join(f"{name} {value:,.2f}" for name, value in found.items()))
        found |= meanwhile(empty, full, sink, options)
        found["queued's memory, MiB (peak)"] = peak_mib(full.instance.daemon("queued"))
        found["queued's PSS, MiB"] = pss_of_process(full.instance.daemon("queued")) / 1024
        found["disk, times the bytes of the messages"] = disk_bytes(full) / full.instance.status()["queue"]["bytes"]
        found["restart until it relays, s"] = restart(full, sink)
    lines = [[name, said(name, value)] for name, value in found.items()]
    return f"{heading} Filled in {filled:.0f} s.\n\n" + table(["what", "measured"], lines)


def said(name, value):
    text = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    if name not in WISHES:
        return text
    limit, at_least = WISHES[name]
    met = value >= limit if at_least else value <= limit
    return f"{text} ({'≥' if at_least else '≤'} {limit:,g}: {'met' if met else '**not met**'})"


def fill(peer, count):
    begun = time.monotonic()
    done = subprocess.run([FILL, peer.instance.directory / "spool", str(count), str(SIZE), str(DESTINATIONS), str(SENDERS)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"fill_queue: {done.stderr.strip() or done.stdout.strip()}")
    progress(f"queue: {count:,} messages made in {time.monotonic() - begun:.0f} s")
    return time.monotonic() - begun


def looking(peer, count):
    """How long an administrator waits."""
    found = {"first screen of mailq, s": time_of_lines(peer, SCREEN, "queue")}
    begun = time.monotonic()
    lines = count_lines(peer, "queue", "list", "--json")
    if lines != count:
        raise RuntimeError(f"the list has {lines} of {count} messages")
    found["whole list, messages/s"] = lines / (time.monotonic() - begun)
    begun = time.monotonic()
    peer.instance.status()
    found["status, s"] = time.monotonic() - begun
    domain = first_domain(peer)
    begun = time.monotonic()
    found["messages in the list of one destination"] = count_lines(peer, "queue", "list", f"domain={domain}", "--json")
    found["list of one destination, s"] = time.monotonic() - begun
    return found


def time_of_lines(peer, lines, *words):
    """Until so many lines are there, as for one who looks at the first screen and no further."""
    begun = time.monotonic()
    with subprocess.Popen(peer.instance.command(*words), stdout=subprocess.PIPE) as process:
        for _ in itertools.islice(process.stdout, lines):
            pass
        took = time.monotonic() - begun
        process.kill()
    return took


def count_lines(peer, *words):
    with subprocess.Popen(peer.instance.command(*words), stdout=subprocess.PIPE) as process:
        lines = sum(block.count(b"\n") for block in iter(lambda: process.stdout.read(1 << 20), b""))
    if process.returncode != 0:
        raise RuntimeError(f"veredus {' '.join(words)} ended with {process.returncode}")
    return lines


def first_domain(peer):
    with subprocess.Popen(peer.instance.command("queue", "list", "--json"), stdout=subprocess.PIPE) as process:
        first = json.loads(process.stdout.readline())
        process.kill()
    return first["recipients"][0]["address"].rsplit("@", 1)[1]


def meanwhile(empty, full, sink, options):
    """Other mail beside the queue and without it, taking turns."""
    rates = {"empty": [], "full": []}
    for number in range(max(2, options.rounds)):
        for name, peer in [("empty", empty), ("full", full)][:: 1 if number % 2 else -1]:
            rates[name].append(relay.measure(peer, sink, 10, max(200, int(4000 * options.share))))
            progress(f"queue, round {number + 1}, {name}: {rates[name][-1]['rate']:,.0f}/s relayed")
    found = {}
    for word, key in (("accept", "accepted"), ("relay", "rate")):
        found[f"{word}, empty queue, messages/s"] = median(rates["empty"], key)
        found[f"{word} beside it, messages/s"] = median(rates["full"], key)
        found[f"{word} beside it, of an empty queue's rate"] = median(rates["full"], key) / median(rates["empty"], key)
    return found


def restart(peer, sink):
    """Seconds from the start of `run` until a message has gone through."""
    peer.stop()
    begun = time.monotonic()
    peer.restart()
    relay.measure(peer, sink, 1, 1)
    return time.monotonic() - begun


def peak_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0


def disk_bytes(peer):
    total = 0
    for folder, _, names in os.walk(peer.instance.directory / "spool"):
        total += sum(os.stat(pathlib.Path(folder) / name).st_blocks * 512 for name in names)
    return total
