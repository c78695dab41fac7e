"""Tables of markdown, and the figures of several rounds as one."""

import os
import pathlib
import statistics
import sys

import disk
from load import ceiling, floor


IMAGE = {"native": "", "journalled": " in a loop image", "sparse": " in a sparse loop image, through the kernel's cache"}


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def spread(rows, key, form=",.0f"):
    """Median (lowest–highest)."""
    values = [row[key] for row in rows]
    text = format(statistics.median(values), form)
    return text if len(values) == 1 else f"{text} ({min(values):{form}}–{max(values):{form}})"


def table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def verdict(value, wished, at_least=True):
    """`12.3 (≥ 10: met)`"""
    met = value >= wished if at_least else value <= wished
    return f"{value:{'.1f' if wished >= 1 else '.2f'}} ({'≥' if at_least else '≤'} {wished:g}: {'met' if met else '**not met**'})"


def machine(place, options):
    """What the figures are measured on."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    filesystem, _ = disk.filesystem(place)
    journal = ""
    if filesystem == "ext4":
        journal = " with a journal" if disk.has_journal(place) else " without a journal"
    seconds = 0.2 if options.quick else 1
    alone = disk.limits(place, seconds)
    direct = f" ({alone['direct']:,.0f} past the kernel's cache)" if alone["direct"] else ""
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    return (f"{cores} cores, {memory:.0f} GiB, Linux {os.uname().release.split('-')[0]}, {filesystem}{journal}"
            f"{IMAGE[options.disk]}; load average before: {load}. "
            f"The disk alone: {alone['append']:,.0f} synced appends of 4 KiB a second, "
            f"{alone['group'] * 64:,.0f} messages of 4 KiB a second in synced appends of 64, {alone['stream']:,.0f} MB/s in one go{direct}. "
            f"smtp_load straight into smtp_sink: {ceiling(seconds):,.0f} messages a second; in one session "
            f"with one message each, into a sink that writes and syncs 4 KiB and does nothing else: {floor(place, seconds):,.0f}, "
            f"and {floor(place, seconds, spins=True):,.0f} into one that also never sleeps.")
