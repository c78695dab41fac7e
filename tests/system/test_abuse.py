"""Over a thousand malformed conversations with each protocol, while another client goes on being served; clients that say
nothing, or read nothing."""

import random
import socket
import threading
import time

import pytest

from harness import mail
from harness.instance import PASSWORD, wait_until
from harness.log import PATIENCE

ALICE = "alice@example.org"
CONVERSATIONS = 1200
WORKERS = 8

# What a well-behaved client would say: the raw material of what is said here.
SEEDS = {
    "smtp": [b"EHLO x\r\n", b"HELO x\r\n", b"MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME\r\n", b"RCPT TO:<alice@example.org>\r\n", b"DATA\r\n",
             b"Subject: x\r\n\r\nbody\r\n.\r\n", b"STARTTLS\r\n", b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", b"RSET\r\n", b"NOOP\r\n", b"VRFY alice\r\n"],
    "submission": [b"EHLO x\r\n", b"AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", b"AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n", b"STARTTLS\r\n",
                   b"MAIL FROM:<alice@example.org>\r\n", b"RCPT TO:<alice@example.org>\r\n", b"DATA\r\n", b"a: b\r\n\r\nc\r\n.\r\n", b"QUIT\r\n"],
    "pop3": [b"USER alice\r\n", b"PASS secret\r\n", b"STAT\r\n", b"LIST\r\n", b"RETR 1\r\n", b"TOP 1 1\r\n", b"UIDL 1\r\n", b"DELE 99\r\n", b"RSET\r\n",
             b"CAPA\r\n", b"AUTH PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n", b"STLS\r\n", b"QUIT\r\n"],
    "imap": [b"a LOGIN alice secret\r\n", b"b SELECT INBOX\r\n", b"c FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (FROM)])\r\n",
             b"d SEARCH OR SUBJECT x NOT (SEEN FROM \"a\")\r\n", b"e STORE 1 +FLAGS (\\Seen)\r\n", b"f LIST \"\" \"*\"\r\n", b"g APPEND INBOX {5+}\r\nhello\r\n",
             b"h UID FETCH 1:* RFC822\r\n", b"i IDLE\r\nDONE\r\n", b"j CREATE {3}\r\na/b\r\n", b"k STATUS INBOX (MESSAGES)\r\n", b"l AUTHENTICATE PLAIN\r\n",
             b"m NAMESPACE\r\n", b"n COPY 1 INBOX\r\n", b"o LOGOUT\r\n", b"p ID (\"name\" \"x\")\r\n"],
}


def malformed(protocol, number):
    """Bytes that no client should send; the same for the same number."""
    chance = random.Random(f"{protocol} {number}")
    said = [chance.choice(SEEDS[protocol]) for _ in range(chance.randint(1, 6))]
    if chance.random() < 0.2 and protocol in ("pop3", "imap"):
        said = SEEDS[protocol][:2] + said  # beyond the login
    data = bytearray(b"".join(said))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data)) if data else 0
        kind = chance.randrange(8)
        if kind == 0:
            data[at:at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del data[at:at + chance.randint(1, 20)]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.randint(1, 50))
        elif kind == 3:
            data[at:at] = bytes([chance.choice(b"\x00\r\n{}()\"\\<>@:* %\xff")]) * chance.choice([1, 2, 3000])
        elif kind == 4:
            data[at:at] = data[at // 2:at]
        elif kind == 5:
            data[at:at] = str(chance.choice([-1, 0, 2**31, 2**32, 2**63, 2**64, 10**30])).encode()
        elif kind == 6:
            data[at:at] = b"{%d}\r\n" % chance.choice([0, 1, 10**9, 2**64])
        else:
            data = data.replace(b"\r\n", chance.choice([b"\n", b"\r", b"\r\r\n", b"\x00\r\n"]))
    return bytes(data)


def converse(veredus, protocol, number):
    chance = random.Random(number)
    with veredus.connect(protocol, seconds=2 * PATIENCE) as connection:
        try:
            connection.sendall(malformed(protocol, number))
            ending = chance.randrange(3)
            if ending == 0:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # it answers, and ends when we have
                    pass
            elif ending == 1:
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may well hang up on us


class OtherClient(threading.Thread):
    """Goes on asking for its mail, and keeps the longest wait for an answer."""

    def __init__(self, veredus):
        super().__init__()
        self.veredus, self.begun, self.over, self.rounds, self.longest, self.error = veredus, threading.Event(), threading.Event(), 0, 0.0, None

    def run(self):
        try:
            with mail.pop3(self.veredus, ALICE) as pop, mail.imap(self.veredus, ALICE) as imap:
                imap.select("INBOX")
                while not self.over.is_set():
                    started = time.monotonic()
                    assert pop.noop().startswith(b"+OK")
                    assert imap.noop()[0] == "OK"
                    self.longest = max(self.longest, time.monotonic() - started)
                    self.rounds += 1
                    self.begun.set()
                    self.over.wait(0.02)
        except Exception as error:  # told by the test
            self.error = error
            self.begun.set()


@pytest.mark.parametrize("protocol", sorted(SEEDS))
def test_malformed_conversations(host, protocol):
    veredus = host(users=["alice"], settings={"accounts": {"failure_delay": "0s"}})
    mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    veredus.wait_delivered(ALICE)
    before = {each["name"]: each["pid"] for each in veredus.status()["daemons"]}
    other = OtherClient(veredus)
    other.start()
    assert other.begun.wait(2 * PATIENCE)
    errors = []

    def work(first):
        for number in range(first, CONVERSATIONS, WORKERS):
            try:
                converse(veredus, protocol, number)
            except Exception as error:
                errors.append((number, error))

    workers = [threading.Thread(target=work, args=(first, )) for first in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    other.over.set()
    other.join()
    assert not errors, errors[:3]
    assert other.error is None and other.rounds > 5, (other.error, other.rounds)
    assert other.longest < 5, f"another client waited {other.longest:.1f} s"
    after = {each["name"]: each["pid"] for each in veredus.status()["daemons"]}
    assert after == before, "a daemon has died of it"


def test_silent_clients_are_let_go(host):
    veredus = host(users=["alice"], settings={"limits": {"idle": "1s"}})
    silent = {port: veredus.connect(port) for port in ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")}
    for port, connection in silent.items():
        connection.settimeout(PATIENCE)
        while connection.recv(4096):
            pass
        connection.close()
    pop = veredus.connect("pop3")
    pop.sendall(b"USER alice\r\nPASS secret\r\n")
    while pop.recv(4096):
        pass


def test_a_client_that_reads_nothing_holds_up_nobody(host):
    veredus = host(users=["alice"], settings={"limits": {"idle": "2s"}})
    raw, _ = mail.big_message(8_000_000, to=ALICE)
    mail.send(veredus, "a@remote.example", ALICE, raw)
    veredus.wait_delivered(ALICE)
    deaf = veredus.connect("pop3")
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.sendall(b"USER alice\r\nPASS secret\r\n" + b"RETR 1\r\n" * 20)
    with mail.imap(veredus, ALICE) as client:
        client.select("INBOX")
        for _ in range(20):
            assert client.noop()[0] == "OK"
    veredus.log.wait_for(r"alice@example\.org.*silent")


def test_too_many_connections_from_one_address(host):
    veredus = host(users=["alice"], settings={"limits": {"connections_per_address": 5}})
    for port, refusal in (("smtp", b"421 4.7.0"), ("submission", b"421 4.7.0"), ("pop3", b"-ERR [SYS/TEMP]"), ("imap", b"* BYE")):
        held = [veredus.connect(port) for _ in range(5)]
        for connection in held:
            assert connection.recv(4096)
        extra = veredus.connect(port)
        answer = extra.recv(4096)
        assert answer.startswith(refusal), (port, answer)
        assert extra.recv(4096) == b""
        for connection in held:
            connection.close()
        wait_until(lambda: welcomed(veredus, port))


def welcomed(veredus, port):
    with veredus.connect(port) as connection:
        return connection.recv(4096).startswith((b"220", b"+OK", b"* OK"))


def test_a_wrong_password_costs_time(host):
    veredus = host(users=["alice"], settings={"accounts": {"failure_delay": "1s"}})
    started = time.monotonic()
    with pytest.raises(Exception):
        with mail.pop3(veredus, ALICE, "wrong"):
            pass
    assert time.monotonic() - started >= 1
    started = time.monotonic()
    with mail.pop3(veredus, ALICE, PASSWORD):
        pass
    assert time.monotonic() - started < 1
