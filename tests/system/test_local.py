"""Local delivery: aliases, loops, the fields that are put on top, one message to many."""

import re

import pytest

from harness import mail

ALICE, BOB = "alice@example.org", "bob@example.org"


def test_return_path_delivered_to_and_received(host):
    veredus = host(users=["alice"])
    mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    veredus.wait_delivered(ALICE)
    lines = mail.mailbox(veredus, ALICE)[0].decode().split("\r\n")
    assert lines[0] == "Return-Path: <a@remote.example>"
    assert lines[1] == f"Delivered-To: {ALICE}"
    received = re.sub(r"\s+", " ", " ".join(lines[2:6]))
    assert re.match(r"Received: from client\.example \(.*\[127\.0\.0\.1\].*\) by mx\.example\.org .*with ESMTP id [0-9A-Z]+.*; "
                    r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", received), received


def test_aliases(host):
    veredus = host(users=["alice", "bob"])
    veredus.veredus("alias", "add", "all@example.org", ALICE, BOB)
    veredus.veredus("alias", "add", "everybody@example.org", "all@example.org")
    mail.send(veredus, "a@remote.example", ["everybody@example.org", "all@example.org", ALICE], mail.message(to="all@example.org"))
    veredus.wait_delivered(ALICE)
    veredus.wait_delivered(BOB)
    veredus.log.wait_for(rf"to=<{BOB}>, orig_to=<(all|everybody)@example\.org>")
    for user in (ALICE, BOB):
        assert len(mail.mailbox(veredus, user)) == 1, "three ways to the same mailbox, one message"


def test_an_alias_to_another_host(host):
    from harness.remote import RemoteHost
    with RemoteHost() as remote:
        veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
        veredus.veredus("alias", "add", "away@example.org", "friend@elsewhere.example", ALICE)
        mail.send(veredus, "a@remote.example", "away@example.org", mail.message(to="away@example.org"))
        assert remote.wait_messages()[0].recipients == ["friend@elsewhere.example"]
        veredus.wait_delivered(ALICE)


def test_aliases_that_lead_in_a_circle(host):
    veredus = host(users=["alice"])
    veredus.veredus("alias", "add", "one@example.org", "two@example.org", ALICE)
    veredus.veredus("alias", "add", "two@example.org", "one@example.org")
    mail.send(veredus, "a@remote.example", "one@example.org", mail.message(to="one@example.org"))
    veredus.wait_delivered(ALICE)
    assert len(mail.mailbox(veredus, ALICE)) == 1


def test_aliases_that_lead_to_one_another_and_nowhere_else(host):
    veredus = host(users=["alice"])
    for alias, target in (("one", "two"), ("two", "three"), ("three", "one"), ("self", "self")):
        veredus.veredus("alias", "add", f"{alias}@example.org", f"{target}@example.org")
    for alias in ("one", "self"):
        mail.send(veredus, ALICE, f"{alias}@example.org", mail.message(ALICE, f"{alias}@example.org"))
        veredus.log.wait_for(rf"to=<{alias}@example\.org>, .*dsn=5\.4\.6, status=bounced")
        veredus.wait_delivered(ALICE)
        assert f"Your message to {alias}@example.org could not be delivered.".encode() in mail.mailbox(veredus, ALICE)[-1]
    veredus.wait_until_empty()


def test_a_message_that_was_here_before_is_stopped(host):
    veredus = host(users=["alice", "bob"])
    raw = f"Delivered-To: {ALICE}\r\n".encode() + mail.message(to=ALICE)
    mail.send(veredus, BOB, ALICE, raw)
    veredus.log.wait_for(rf"to=<{ALICE}>.*dsn=5\.4\.6, status=bounced")
    veredus.wait_delivered(BOB)
    assert b"5.4.6" in mail.mailbox(veredus, BOB)[0]
    assert mail.mailbox(veredus, ALICE) == []


def test_a_message_with_a_hundred_received_fields_is_refused(host):
    veredus = host(users=["alice"])
    raw = b"Received: from x by y; Mon, 01 Jan 2024 10:00:00 +0000\r\n" * 101 + mail.message(to=ALICE)
    with pytest.raises(Exception) as refused:
        mail.send(veredus, "a@remote.example", ALICE, raw)
    assert "5.4.6" in str(refused.value)


def test_two_hosts_that_forward_to_each_other(host):
    one = host("one", users=["x@one.example"], domains=["one.example"], hostname="mx.one.example")
    two = host("two", users=["x@two.example"], domains=["two.example"], hostname="mx.two.example",
               settings={"routes": {"one.example": f"[127.0.0.1]:{one.ports['smtp']}"}})
    one.veredus("alias", "add", "loop@one.example", "loop@two.example")
    two.veredus("alias", "add", "loop@two.example", "loop@one.example")
    one.configure({"routes": {"two.example": f"[127.0.0.1]:{two.ports['smtp']}"}})
    one.stop()
    one.start()
    mail.send(one, "x@one.example", "loop@one.example", mail.message("x@one.example", "loop@one.example"))
    one.wait_delivered("x@one.example", seconds=60)
    bounce, = mail.mailbox(one, "x@one.example")
    assert b"5.4.6" in bounce
    one.wait_until_empty()
    two.wait_until_empty()


def test_one_message_to_many(host):
    users = [f"u{number}" for number in range(20)]
    veredus = host(users=users)
    raw = mail.message(to="u0@example.org")
    mail.send(veredus, "a@remote.example", [f"{user}@example.org" for user in users], raw)
    for user in users:
        veredus.wait_delivered(f"{user}@example.org")
        assert mail.body_of(mail.mailbox(veredus, user)[0]) == mail.body_of(raw)


def test_paused_keeps_and_reload_delivers(host):
    veredus = host(users=["alice"], settings={"queue": {"paused": True}})
    for _ in range(3):
        mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    assert len(veredus.queue()) == 3
    assert mail.mailbox(veredus, ALICE) == []
    veredus.configure({"queue": {"paused": False}})
    veredus.reload()
    veredus.wait_delivered(ALICE, 3)
    assert len(mail.mailbox(veredus, ALICE)) == 3
