"""Messages accepted and kept, beside the peers, cell by cell, rounds taking turns."""

import contextlib
import dataclasses

from load import Failed, send
from measure import PeakPss
from peers import USER, start_all
from report import median, progress, spread, table, verdict

KIB = 1024
MANY = 50  # messages of a session that sends many
FACTOR_OF_CPU = 0.25  # of the best peer's


@dataclasses.dataclass(frozen=True)
class Cell:
    size: int
    sessions: int
    per_session: int
    wished: float  # times the fastest durable peer
    journalled: float  # the same on a journalled disk

    def __str__(self):
        size = f"{self.size // KIB} KiB" if self.size < KIB * KIB else f"{self.size // KIB // KIB} MiB"
        return f"{size}, {self.sessions} session{'s' * (self.sessions > 1)} × {self.per_session}"


CELLS = [
    Cell(4 * KIB, 1, MANY, 1.5, 1.5),
    Cell(4 * KIB, 10, MANY, 5, 5),
    Cell(4 * KIB, 50, MANY, 10, 6),
    Cell(4 * KIB, 200, MANY, 10, 6),
    Cell(4 * KIB, 1, 1, 5, 5),
    Cell(4 * KIB, 10, 1, 5, 5),
    Cell(4 * KIB, 50, 1, 5, 5),
    Cell(4 * KIB, 200, 1, 5, 5),
    Cell(64 * KIB, 10, MANY, 5, 5),
    Cell(64 * KIB, 50, MANY, 5, 5),
    Cell(64 * KIB, 10, 1, 5, 5),
    Cell(KIB * KIB, 10, MANY, 3, 3),
    Cell(KIB * KIB, 10, 1, 3, 3),
]


def measure(peer, cell, options):
    before = peer.group.cpu_seconds()
    result = send(peer, USER, sessions=cell.sessions, per_session=cell.per_session, size=cell.size, seconds=options.seconds,
                  pipelining=options.pipelining)
    if result["messages"] == 0:
        raise Failed(f"{peer.name} took no message in {options.seconds} seconds")
    result["cpu_per_1000"] = (peer.group.cpu_seconds() - before) * 1000 / result["messages"]
    return result


class Results:
    def __init__(self):
        self.rows = {}  # (cell, peer's name): [what a round measured]
        self.memory = {}  # (cell, peer's name): MiB
        self.failures = []

    def one(self, peer, cell, options, watched):
        """A cell of a round; when watched, its memory is looked at."""
        try:
            with PeakPss(peer.group) if watched else contextlib.nullcontext() as peak:
                result = measure(peer, cell, options)
        except Failed as failure:
            self.failures.append(f"{cell}: {failure}")
            progress(str(failure))
            return None
        finally:
            peer.clear()
        if result["lost"]:
            self.failures.append(f"{cell}: {result['lost']} connections to {peer.name} were never greeted: its backlog was full.")
        if watched:
            self.memory[cell, peer.name] = peak.mib
        return result

    def best(self, cell, peers, key, choose):
        """The best median of the durable peers, None if there was none."""
        medians = [median(self.rows[cell, peer.name], key) for peer in peers
                   if peer.durable and peer.name != "veredus" and (cell, peer.name) in self.rows]
        return choose(medians) if medians else None


def run(kinds, options, place):
    """The report. The first of several rounds warms up and looks at memory, which costs the processes time."""
    results = Results()
    with contextlib.ExitStack() as stack:
        peers = start_all(stack, kinds, place)
        for number in range(0 if options.rounds > 1 else 1, options.rounds + 1):
            for cell in options.cells:
                for peer in peers if number % 2 else reversed(peers):
                    result = results.one(peer, cell, options, watched=number == 0 or options.rounds == 1)
                    if result and number > 0:
                        results.rows.setdefault((cell, peer.name), []).append(result)
                        progress(f"accept, round {number} of {options.rounds}, {cell}, {peer.name}: {result['rate']:,.0f}/s")
    return "\n\n".join(["## Accept", INTRODUCTION.format(rounds=options.rounds, many=MANY), measured(results, options.cells, peers),
                        *([wishes(results, options, peers)] if len(peers) > 1 else []), *results.failures])


INTRODUCTION = """Messages accepted and kept. Medians (lowest–highest) of {rounds} rounds taking turns; *dot*: from a body's last byte to
its 250; CPU: user and system of all the server's processes, seconds for 1,000 messages; PSS: the most of all processes together;
*load*: CPU of the load generator, µs a message. × {many}: so many messages a session, then another session.
\\* 250 comes before anything is synced."""


def measured(results, cells, peers):
    lines = []
    for cell in cells:
        for peer in peers:
            rows = results.rows.get((cell, peer.name))
            if rows is None:
                continue
            lines.append([cell, peer.name + ("" if peer.durable else " \\*"), spread(rows, "rate"), f"{median(rows, 'p50_ms'):.1f}",
                          f"{median(rows, 'p99_ms'):.1f}", f"{median(rows, 'cpu_per_1000'):.2f}",
                          f"{results.memory.get((cell, peer.name), 0):.0f}", f"{median(rows, 'load_us'):.0f}"])
    return table(["cell", "server", "messages/s", "dot p50 ms", "dot p99 ms", "CPU", "PSS MiB", "load"], lines)


def wishes(results, options, peers):
    lines = []
    for cell in options.cells:
        own = results.rows.get((cell, "veredus"))
        rate = results.best(cell, peers, "rate", max)
        if own is None or rate is None:
            continue
        wished = cell.wished if options.disk == "native" else cell.journalled
        cpu, p99 = (results.best(cell, peers, key, min) for key in ("cpu_per_1000", "p99_ms"))
        lines.append([cell, verdict(median(own, "rate") / rate, wished),
                      verdict(median(own, "cpu_per_1000") / cpu, FACTOR_OF_CPU, at_least=False),
                      verdict(median(own, "p99_ms") / p99, 1, at_least=False)])
    return "Against the best of the durable peers, cell by cell:\n\n" + table(["cell", "rate, times", "CPU, times", "dot p99, times"], lines)
