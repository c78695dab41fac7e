#!/usr/bin/python3
"""./dev bench: Veredus beside the mail servers that Debian ships, on the same disk in the same run. A report in markdown.

Without a WORD all of it but the profile. What needs other servers needs root: as an ordinary user Veredus is measured alone.
"""

import argparse
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import accept  # noqa: E402
import disk  # noqa: E402
import fair  # noqa: E402
import microseconds  # noqa: E402
import peers  # noqa: E402
import relay  # noqa: E402
import waiting  # noqa: E402
from load import Failed  # noqa: E402
from report import machine, progress  # noqa: E402

PARTS = {"accept": accept.run, "relay": relay.run, "queue": waiting.run, "fair": fair.run, "profile": microseconds.run}


def numbers(text):
    return [int(word) for word in text.split(",")]


def read_arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="WORD", help=", ".join(PARTS))
    parser.add_argument("--disk", choices=["native", "journalled", "sparse"], default="native",
                        help="journalled: an ext4 with a journal in a loop image (root); sparse: the same in a sparse image, through "
                             "the kernel's cache")
    parser.add_argument("--peers", default="", help="only these, e.g. veredus,postfix")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.5, help="of a cell of accept")
    parser.add_argument("--sizes", type=numbers, help="of accept, in KiB: 4,64,1024")
    parser.add_argument("--sessions", type=numbers, help="of accept: 1,10,50,200")
    parser.add_argument("--per-session", type=numbers, help=f"of accept: 1,{accept.MANY}")
    parser.add_argument("--pipelining", action="store_true", help="MAIL, RCPT and DATA in one piece, for all servers")
    parser.add_argument("--waiting", type=int, default=1_000_000, help="messages of the queue that waits")
    parser.add_argument("--quick", action="store_true", help="a smoke run: one short round of a little of everything")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no '{part}'; there are {', '.join(PARTS)}")
    return options


def complete(options):
    """What follows from the arguments."""
    options.cells = [cell for cell in accept.CELLS
                     if (not options.sizes or cell.size // accept.KIB in options.sizes)
                     and (not options.sessions or cell.sessions in options.sessions)
                     and (not options.per_session or cell.per_session in options.per_session)]
    if not options.cells:
        sys.exit("bench: there is no such cell of accept; the cells are\n" + "\n".join(map(str, accept.CELLS)))
    options.destinations = [1, 100]
    options.share = 1.0
    options.recipients = 100_000
    if options.quick:
        options.rounds, options.seconds, options.share = 1, 0.5, 0.05
        options.cells, options.destinations = options.cells[1:2] or options.cells, options.destinations[-1:]
        options.waiting, options.recipients = min(options.waiting, 10_000), 2_000
    return options


def servers(options):
    available = {kind.name: kind for kind in peers.available()}
    wanted = options.peers.split(",") if options.peers else list(peers.ALL)
    for name in wanted:
        if name not in peers.ALL:
            sys.exit(f"bench: no server '{name}'; there are {', '.join(peers.ALL)}")
        if name not in available:
            progress(f"{name} needs root and the packages that ./dev bench installs as root; going on without it")
    return [available[name] for name in peers.ALL if name in available and name in wanted]


def main():
    options = complete(read_arguments())
    kinds = servers(options)
    if options.disk != "native" and os.geteuid() != 0:
        sys.exit(f"bench: --disk {options.disk} mounts a loop image: run it as root")
    disk.in_a_namespace_of_our_own()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the servers
    failed = False
    with disk.workplace(options.disk) as place:
        print(f"# ./dev bench {' '.join(sys.argv[1:])}\n\n{machine(place, options)}\n", flush=True)
        for name in options.parts or [name for name in PARTS if name != "profile"]:
            try:
                print(PARTS[name](kinds, options, place) + "\n", flush=True)
            except (Failed, RuntimeError, AssertionError) as error:  # the other parts may still tell something
                failed = True
                print(f"## {name.capitalize()}\n\nNot measured: {error}\n", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
