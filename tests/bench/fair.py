"""One message's way while mailings to 100,000 recipients drain, one after the other, against the way when nothing else is there."""

import concurrent.futures
import contextlib
import statistics

from harness.instance import wait_until
from load import Sink, send
from peers import Veredus
from report import progress, table, verdict

INTERVAL_MS, PROBES = 50, 20  # a second of single messages
IDLE_SECONDS = 20  # with fewer messages the 99th of a hundred is one message's luck
MAILINGS = 3  # a round
PER_MESSAGE, DOMAINS = 1000, 100
TIMES = 2


def routes():
    """Where the mailing goes, and where single messages go."""
    mailing = {f"m{number}.example": f"127.0.3.{1 + number}" for number in range(DOMAINS)}
    return {**mailing, **{f"single{number}.example": f"127.0.4.{1 + number}" for number in range(10)}}


def probe(peer, sink, until):
    """Single messages until `until()`; the sink tells how long each took."""
    sent = sink.stats()["timed"]
    while True:
        send(peer, "t%t@single%d.example", interval=INTERVAL_MS, messages=PROBES, per_session=PROBES, destinations=10)
        sent += PROBES
        if until():
            wait_until(lambda: sink.stats()["timed"] == sent)
            return sink.stats()


def mailing_is_through(sink, recipients):
    counts = sink.stats()
    return counts["recipients"] - counts["timed"] >= recipients


def run(kinds, options, place):
    """The report; it is about Veredus alone."""
    recipients = options.recipients
    mailings = MAILINGS * options.rounds if options.rounds > 1 else 1
    with contextlib.ExitStack() as stack:
        thread = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        sink = stack.enter_context(Sink())
        peer = stack.enter_context(Veredus(place, routes(), sink.port))
        seconds = iter(range(IDLE_SECONDS if options.rounds > 1 else 1))
        next(seconds)
        idle = probe(peer, sink, lambda: next(seconds, None) is None)
        sink.reset()
        drained = []
        for number in range(mailings):
            mailing = thread.submit(send, peer, "r%n@m%d.example", messages=recipients // PER_MESSAGE, per_session=recipients, recipients=PER_MESSAGE,
                                    destinations=DOMAINS, sender="mailing@load.example", pipelining=True)
            progress(f"fair: a mailing to {recipients:,} recipients goes through the queue")
            busy = probe(peer, sink, lambda: mailing_is_through(sink, (number + 1) * recipients))
            drained.append((busy["last_ns"] - mailing.result()["begun_ns"]) / 1e9)
        drained = statistics.median(drained)
    lines = [["nothing else", idle["timed"], f"{idle['p50_ms']:.1f}", f"{idle['p99_ms']:.1f}", f"{idle['longest_ms']:.1f}", ""],
             ["a mailing drains", busy["timed"], f"{busy['p50_ms']:.1f}", f"{busy['p99_ms']:.1f}", f"{busy['longest_ms']:.1f}",
              verdict(busy["p99_ms"] / idle["p99_ms"], TIMES, at_least=False)]]
    return (f"## Fair\n\nA message every {INTERVAL_MS} ms to one of ten other hosts, from when it was due until the sink has it, milliseconds. "
            f"The mailings, {mailings} one after the other: {recipients:,} recipients at {DOMAINS} domains, {PER_MESSAGE} a message; through in {drained:.1f} s "
            f"({recipients / drained:,.0f} recipients/s).\n\n"
            + table(["meanwhile", "messages", "p50", "p99", "longest", "p99, times"], lines))
