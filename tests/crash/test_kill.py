"""A crash at a random moment: what was acknowledged is there exactly once, with the same bytes.

200 senders are at work when every process gets SIGKILL; after the start each message that was answered 250 is found
exactly once in its mailbox. VEREDUS_CRASH_ROUNDS says how often (default 20).
"""

import os
import random
import select
import time

import pytest

from harness import mail
from harness.instance import Instance, short_directory, wait_until
from harness.log import PATIENCE

ROUNDS = int(os.environ.get("VEREDUS_CRASH_ROUNDS", 20))
SENDERS = 200
USERS = [f"u{number}" for number in range(10)]


class Sender:
    """Sends one message after the other on one connection, as fast as it is answered, without blocking: 200 of them share
    a thread."""

    def __init__(self, veredus, number, chance, acknowledged):
        self.number, self.chance, self.acknowledged = number, chance, acknowledged
        self.sent = 0
        self.socket = veredus.connect("smtp")
        self.socket.setblocking(False)
        self.buffered = b""
        # The codes still to come, and what is sent after each.
        self.script = [(b"220", b"EHLO client.example\r\n"), (b"250", b"")]
        self.message = self.recipient = None
        self.last_words = b""

    def fileno(self):
        return self.socket.fileno()

    def on_readable(self):
        """False once the connection has gone."""
        try:
            more = self.socket.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not more:
            return False
        self.buffered += more
        while b"\r\n" in self.buffered:
            line, self.buffered = self.buffered.split(b"\r\n", 1)
            if line[3:4] == b"-":
                continue
            expected, then = self.script.pop(0)
            if line[:1] == b"4":  # a daemon behind it was killed a moment earlier
                self.last_words = line
                return False
            assert line[:3] == expected, f"sender {self.number}: {line!r} instead of {expected!r}"
            if not self.script:
                then = self.next()
            if not self.send(then):
                return False
        return True

    def next(self):
        """Begins the next message; what to say first."""
        if self.message is not None:
            self.acknowledged.append((self.recipient, self.message))
        self.recipient = f"{self.chance.choice(USERS)}@example.org"
        size = self.chance.choice([200, 2000, 20000]) if self.chance.random() < 0.98 else 300_000
        token = f"{self.number}-{self.sent}-{self.chance.getrandbits(64):x}"
        self.sent += 1
        line = f"{token} {'x' * 60}\r\n".encode()
        head = f"Subject: {token}\r\nMessage-ID: <{token}@client.example>\r\n\r\n"
        self.message = head.encode() + line * (size // len(line) + 1)
        self.script = [(b"250", b""), (b"250", b""), (b"354", self.message + b".\r\n"), (b"250", b"")]
        return f"MAIL FROM:<s{self.number}@client.example>\r\nRCPT TO:<{self.recipient}>\r\nDATA\r\n".encode()

    def send(self, data):
        if not data:
            return True
        try:
            self.socket.setblocking(True)
            self.socket.settimeout(PATIENCE)
            self.socket.sendall(data)
            self.socket.setblocking(False)
            return True
        except OSError:
            return False


def send_until_killed(veredus, chance):
    """Kills everything at a random moment; returns what was acknowledged by then."""
    acknowledged = []
    senders = [Sender(veredus, number, random.Random(chance.getrandbits(64)), acknowledged) for number in range(SENDERS)]
    poll = select.epoll()
    by_descriptor = {}
    for sender in senders:
        by_descriptor[sender.fileno()] = sender
        poll.register(sender.fileno(), select.EPOLLIN)
    moment = time.monotonic() + chance.uniform(0.05, 1.0)
    killed = False
    while by_descriptor:
        if not killed and time.monotonic() >= moment:
            veredus.kill()
            killed = True
        for descriptor, _ in poll.poll(0.01):
            if not by_descriptor[descriptor].on_readable():
                sender = by_descriptor[descriptor]
                assert killed, f"sender {sender.number} was cut off before the crash: {sender.last_words!r}"
                poll.unregister(descriptor)
                by_descriptor.pop(descriptor).socket.close()
    poll.close()
    return acknowledged


def token_of(raw):
    start = raw.index(b"\r\nSubject: ") + 11
    return raw[start:raw.index(b"\r\n", start)]


def settled(veredus):
    return veredus.queue() == []


def check(veredus, acknowledged):
    wait_until(lambda: settled(veredus), seconds=6 * PATIENCE, pause=0.05)
    stored = {}
    for user in USERS:
        for raw in mail.mailbox(veredus, user):
            stored.setdefault((f"{user}@example.org", token_of(raw)), []).append(raw)
    twice = [key for key, copies in stored.items() if len(copies) > 1]
    assert not twice, f"{len(twice)} messages are there more than once, e.g. {twice[:3]}"
    for recipient, message in acknowledged:
        token = token_of(b"\r\n" + message)
        copies = stored.get((recipient, token))
        assert copies, f"the message {token!r} to {recipient} was answered 250 and is lost"
        assert copies[0].endswith(b"\r\n" + message), f"the message {token!r} has other bytes than were sent"
    # What was sent without an answer may be there or not, but never a part of it.
    damaged = [line for line in veredus.log.lines() if "damage" in line.lower()]
    assert not damaged, damaged


@pytest.mark.parametrize("round", range(ROUNDS))
def test_acknowledged_messages_survive_sigkill(round):
    chance = random.Random(f"{round} {os.environ.get('VEREDUS_CRASH_SEED', '')}")
    with short_directory() as place:
        with Instance(place / "mx", users=USERS) as veredus:
            acknowledged = send_until_killed(veredus, chance)
            if chance.random() < 0.3:  # once more while it recovers
                veredus.process or veredus.start()
                acknowledged += send_until_killed(veredus, chance)
            veredus.start()
            check(veredus, acknowledged)


def test_mail_on_its_way_to_another_host_survives():
    """Relayed at least once; what was acknowledged arrives."""
    from harness.remote import RemoteHost
    chance = random.Random(7)
    with RemoteHost() as remote, short_directory() as place:
        with Instance(place / "mx", users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1s", "retry_max": "1s"}}) as veredus:
            veredus.veredus("alias", "add", "away@example.org", "friend@peer.example")
            sent = set()
            for _ in range(3):
                until = time.monotonic() + chance.uniform(0.1, 0.4)
                while time.monotonic() < until:
                    raw = mail.message(to="away@example.org")
                    mail.send(veredus, "a@remote.example", "away@example.org", raw)
                    sent.add(raw)
                veredus.kill()
                veredus.start()
            wait_until(lambda: settled(veredus), seconds=60)
            arrived = [each.data for each in remote.messages]
            for raw in sent:
                assert any(data.endswith(raw) for data in arrived), "an acknowledged message never left"


def test_what_was_acknowledged_survives_the_loss_of_its_rows():
    """As a power cut may leave it: the database is that of a minute ago, the segments are there to the last message."""
    messages = [mail.message(to="u0@example.org", subject=f"number {number}") for number in range(30)]
    with short_directory() as place:
        with Instance(place / "mx", users=["u0"], settings={"queue": {"paused": True}}) as veredus:
            mail.send(veredus, "a@remote.example", "u0@example.org", messages[0])
            assert len(veredus.queue()) == 1  # so it has its row
            spool = veredus.directory / "spool"
            before = {name: (spool / name).read_bytes() for name in ("queue.db", "queue.db-wal")}
            for raw in messages[1:]:
                mail.send(veredus, "a@remote.example", "u0@example.org", raw)
            veredus.kill()
            for name, contents in before.items():
                (spool / name).write_bytes(contents)
            veredus.configure({"queue": {"paused": False}})
            veredus.start()
            wait_until(lambda: settled(veredus))
            stored = mail.mailbox(veredus, "u0")
            assert len(stored) == len(messages)
            assert all(any(each.endswith(raw) for each in stored) for raw in messages)
            adopted = [line for line in veredus.log.lines() if "taken into the queue from its segment" in line]
            assert len(adopted) == len(messages) - 1
