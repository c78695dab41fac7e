"""Messages through a server: in over SMTP, out over SMTP to a sink, until the last is there."""

import contextlib

from load import Failed, Sink, send
from measure import PeakPss
from peers import start_all
from report import median, progress, spread, table, verdict

SESSIONS, PER_SESSION, SIZE = 10, 50, 4096
TIMES = 8  # of the fastest durable peer
FACTOR_OF_CPU = 0.25
PATIENCE = 180  # seconds for what is accepted to reach the sink
# About as many as a server relays in some seconds.
MESSAGES = {"veredus": 6000, "postfix": 1000, "exim": 400, "opensmtpd": 300}


def routes(count):
    """{domain: address}: each destination a host of its own."""
    return {f"d{number}.example": f"127.0.{1 + number // 200}.{1 + number % 200}" for number in range(count)}


def measure(peer, sink, destinations, messages):
    sink.reset()
    before = peer.group.cpu_seconds()
    sent = send(peer, "t%t@d%d.example", sessions=SESSIONS, per_session=PER_SESSION, size=SIZE, messages=messages,
                destinations=destinations)
    taken = sink.wait(messages, PATIENCE)
    if taken["recipients"] < messages:
        raise Failed(f"{peer.name}: {taken['recipients']} of {messages} messages came through in {PATIENCE} seconds")
    cpu = peer.group.cpu_seconds() - before
    return {"rate": messages * 1e9 / (taken["last_ns"] - sent["begun_ns"]), "accepted": sent["rate"], "cpu_per_1000": cpu * 1000 / messages,
            "p50_ms": taken["p50_ms"], "p99_ms": taken["p99_ms"], "connections": taken["connections"], "open": taken["most_open"]}


def run(kinds, options, place):
    """The report."""
    parts = ["## Relay", INTRODUCTION.format(sessions=SESSIONS, per_session=PER_SESSION, rounds=options.rounds)]
    rows, memory, failures = {}, {}, []
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink())
        peers = start_all(stack, kinds, place, routes(max(options.destinations)), sink.port)
        for number in range(0 if options.rounds > 1 else 1, options.rounds + 1):
            watched = number == 0 or options.rounds == 1
            for destinations in options.destinations:
                for peer in peers if number % 2 else reversed(peers):
                    messages = max(100, int(MESSAGES[peer.name] * options.share) // (1 if number else 4))
                    try:
                        with PeakPss(peer.group) if watched else contextlib.nullcontext() as peak:
                            result = measure(peer, sink, destinations, messages)
                    except Failed as failure:
                        failures.append(str(failure))
                        progress(str(failure))
                        continue
                    if watched:
                        memory[destinations, peer.name] = peak.mib
                    if number > 0:
                        rows.setdefault((destinations, peer.name), []).append(result)
                        progress(f"relay, round {number} of {options.rounds}, {destinations} destinations, {peer.name}: {result['rate']:,.0f}/s")
    parts.append(measured(rows, memory, options.destinations, peers))
    if len(peers) > 1:
        parts.append(wishes(rows, options.destinations, peers))
    return "\n\n".join(parts + failures)


INTRODUCTION = """Messages of 4 KiB in over SMTP ({sessions} sessions × {per_session}), out over SMTP to a sink; from the first connect until the last
message is at the sink. *way*: from MAIL to the sink's 250. Veredus relays for local programs and for users, not for strangers: its
mail comes in by the local programs' UNIX socket, that of the others over TCP. Medians (lowest–highest) of {rounds} rounds taking turns."""


def measured(rows, memory, counts, peers):
    lines = []
    for destinations in counts:
        for peer in peers:
            results = rows.get((destinations, peer.name))
            if results is None:
                continue
            lines.append([destinations, peer.name + ("" if peer.durable else " \\*"), spread(results, "rate"),
                          f"{median(results, 'p50_ms'):,.0f}", f"{median(results, 'p99_ms'):,.0f}", f"{median(results, 'cpu_per_1000'):.2f}",
                          f"{memory.get((destinations, peer.name), 0):.0f}",
                          f"{median(results, 'connections'):.0f} new, at most {median(results, 'open'):.0f} at a time"])
    return table(["destinations", "server", "messages/s", "way p50 ms", "way p99 ms", "CPU", "PSS MiB", "connections to the sink"], lines)


def wishes(rows, counts, peers):
    lines = []
    for destinations in counts:
        own = rows.get((destinations, "veredus"))
        others = [rows[destinations, peer.name] for peer in peers
                  if peer.durable and peer.name != "veredus" and (destinations, peer.name) in rows]
        if own and others:
            lines.append([destinations, verdict(median(own, "rate") / max(median(each, "rate") for each in others), TIMES),
                          verdict(median(own, "cpu_per_1000") / min(median(each, "cpu_per_1000") for each in others), FACTOR_OF_CPU,
                                  at_least=False)])
    return "Against the best of the durable peers:\n\n" + table(["destinations", "rate, times", "CPU, times"], lines)
