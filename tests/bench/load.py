"""The two ends that the servers stand between: smtp_load before them, smtp_sink behind."""

import json
import subprocess

from harness.instance import BUILD
from harness.postfix import free_port

PROGRAMS = BUILD / "tests" / "bench"


class Failed(Exception):
    """The server refused, hung up or did not answer."""


def send(peer, recipient, **options):
    """Runs smtp_load against the peer; what it measured. `options` are its own: per_session=50 is --per-session 50."""
    command = [PROGRAMS / "smtp_load", *peer.target(), "--recipient", recipient]
    for name, value in options.items():
        if value is True:
            command.append(f"--{name}")
        elif value not in (False, None):
            command += [f"--{name.replace('_', '-')}", str(value)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.get("seconds", 0) + 240)
    except subprocess.TimeoutExpired:
        raise Failed(f"{peer.name} had not answered after 240 seconds\n{peer.last_words()}") from None
    if done.returncode != 0:
        raise Failed(f"{peer.name}: {done.stderr.strip()}\n{peer.last_words()}")
    return json.loads(done.stdout)


class Sink:
    """with Sink() as sink: … sink.port, on all addresses of 127.0.0.0/8. It forgets what it takes, or writes and syncs it in `keep`, and may do without sleep."""

    def __init__(self, keep=None, spins=False):
        self._keep = [] if keep is None else [keep, *(["spin"] if spins else [])]

    def __enter__(self):
        self.port = free_port()
        self._process = subprocess.Popen([PROGRAMS / "smtp_sink", str(self.port), *self._keep], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("smtp_sink did not start")
        return self

    name = "smtp_sink"

    def target(self):
        return ["--to", "127.0.0.1", "--port", str(self.port)]

    def last_words(self):
        return ""

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _say(self, order):
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()

    def reset(self):
        self._say("reset")

    def stats(self):
        self._say("stats")
        return json.loads(self._process.stdout.readline())

    def wait(self, recipients, seconds):
        """The counts when so many recipients were taken, or after so many seconds."""
        self._say(f"wait {recipients} {seconds}")
        return json.loads(self._process.stdout.readline())


def ceiling(seconds):
    """Messages of 4 KiB a second from one end to the other with no server between: more cannot be seen."""
    with Sink() as sink:
        return send(sink, "u@example.org", sessions=10, per_session=50, seconds=seconds)["rate"]


def floor(place, seconds, spins=False):
    """Messages a second in one session at a time, one in each, into an end that does nothing but write and sync them."""
    keep = place / "floor"
    try:
        with Sink(keep, spins) as sink:
            return send(sink, "u@example.org", sessions=1, per_session=1, seconds=seconds)["rate"]
    finally:
        keep.unlink(missing_ok=True)
