"""Veredus and Postfix relaying to each other."""

import pytest

from harness import mail, postfix
from harness.instance import wait_until
from harness.postfix import Postfix

pytestmark = pytest.mark.skipif(not postfix.available(), reason="Postfix needs root")

ALICE = "alice@example.org"
TEN_MB = 10_000_000


def test_to_postfix_with_ten_megabytes(host, place):
    with Postfix(place / "postfix", domain="p.example", users=["bob"]) as peer:
        veredus = host(users=["alice"], settings={"routes": {"p.example": peer.hop}})
        raw, digest = mail.big_message(TEN_MB, sender=ALICE, to="bob@p.example")
        mail.submit(veredus, ALICE, "bob@p.example", raw)
        veredus.log.wait_for(r"to=<bob@p\.example>, relay=\S+, .*status=sent", seconds=60)
        received = wait_until(lambda: peer.mailbox("bob"), seconds=60)
        assert mail.attachment_digest(received[0]) == digest
        mail.submit(veredus, ALICE, "nobody@p.example", mail.message(ALICE, "nobody@p.example"))
        veredus.wait_delivered(ALICE)
        assert b"5.1.1" in mail.mailbox(veredus, ALICE)[0]


def test_from_postfix_with_ten_megabytes(host, place):
    veredus = host(users=["alice"])
    with Postfix(place / "postfix", domain="p.example", users=["bob"],
                 settings={"relayhost": f"[127.0.0.1]:{veredus.ports['smtp']}"}) as peer:
        raw, digest = mail.big_message(TEN_MB, sender="bob@p.example", to=ALICE)
        relay_through(peer, "bob@p.example", ALICE, raw)
        veredus.wait_delivered(ALICE, seconds=60)
        received = mail.mailbox(veredus, ALICE)[0]
        assert mail.attachment_digest(received) == digest
        assert received.startswith(b"Return-Path: <bob@p.example>\r\n")
        # What Veredus refuses comes back to Postfix's user.
        relay_through(peer, "bob@p.example", "nobody@example.org", mail.message("bob@p.example", "nobody@example.org"))
        bounce = wait_until(lambda: peer.mailbox("bob"), seconds=30)[0]
        assert b"550 5.1.1" in bounce


def relay_through(peer, sender, recipient, raw):
    class Door:
        host, ports = peer.address, {"smtp": peer.port}

    mail.send(Door, sender, recipient, raw)


def test_many_both_ways(host, place):
    with Postfix(place / "postfix", domain="p.example", users=["bob"]) as peer:
        veredus = host(users=["alice"], settings={"routes": {"p.example": peer.hop}})
        count = 50
        for number in range(count):
            mail.submit(veredus, ALICE, "bob@p.example", mail.message(ALICE, "bob@p.example", subject=f"number {number}"))
        received = wait_until(lambda: len(peer.mailbox("bob")) >= count and peer.mailbox("bob"), seconds=60)
        subjects = sorted(line for each in received for line in each.split(b"\n") if line.startswith(b"Subject: number"))
        assert subjects == sorted(b"Subject: number %d" % number for number in range(count))
