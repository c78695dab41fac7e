"""Mail that an administrator lets wait, by destination or by sender; and a host that is away."""

import json

import pytest

from harness import mail
from harness.instance import wait_until
from harness.postfix import free_port
from harness.remote import RemoteHost

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


def waiting(veredus):
    """{recipient: why it waits}."""
    lines = veredus.veredus("queue", "list", "--json").stdout.splitlines()
    return {recipient["address"]: recipient.get("delay_reason", "")
            for message in map(json.loads, lines) for recipient in message["recipients"]}


def test_a_paused_destination_waits_until_it_is_resumed(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
    assert veredus.veredus("pause", "destination", "B.example").stdout == "destination b.example: paused\n"
    assert "already" in veredus.veredus("pause", "destination", "b.example").stdout
    mail.submit(veredus, ALICE, "x@b.example", mail.message(ALICE, "x@b.example"))
    mail.submit(veredus, ALICE, "y@c.example", mail.message(ALICE, "y@c.example"))
    remote.wait_messages(1)
    why = {"x@b.example": "mail to b.example is paused by the administrator"}
    wait_until(lambda: waiting(veredus) == why)
    assert veredus.status()["paused"][0]["name"] == "b.example"
    assert "paused: destination b.example" in veredus.veredus("status").stdout

    veredus.stop()
    veredus.start()
    assert waiting(veredus) == why
    shown = veredus.veredus("queue", "show", "all").stdout
    assert "paused by the administrator: nothing is tried until it is resumed" in shown and "next attempt" not in shown
    assert veredus.veredus("pause").stdout.startswith("destination b.example  since ")
    assert json.loads(veredus.veredus("pause", "--json").stdout)["of"] == "destination"

    assert veredus.veredus("resume", "destination", "b.example").stdout == "destination b.example: resumed, 1 message to be tried now\n"
    remote.wait_messages(2)
    wait_until(lambda: waiting(veredus) == {})
    assert veredus.veredus("pause").stdout == ""


def test_a_paused_sender_waits_alone(host, remote):
    veredus = host(users=["alice", "bob"], settings={"routes": {"*": remote.hop}})
    veredus.veredus("pause", "sender", ALICE)
    for sender in (ALICE, BOB):
        mail.submit(veredus, sender, "x@b.example", mail.message(sender, "x@b.example"))
    remote.wait_messages(1)
    wait_until(lambda: waiting(veredus) == {"x@b.example": f"mail from {ALICE} is paused by the administrator"})
    veredus.veredus("resume", "sender", ALICE)
    remote.wait_messages(2)


def test_what_was_tried_before_the_pause_says_that_it_is_paused(host, remote):
    remote.replies["RCPT"] = "450 4.2.0 the mailbox is full"
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h"}})
    mail.submit(veredus, ALICE, "x@b.example", mail.message(ALICE, "x@b.example"))
    wait_until(lambda: "mailbox is full" in waiting(veredus).get("x@b.example", ""))
    veredus.veredus("pause", "destination", remote.hop)
    assert waiting(veredus) == {"x@b.example": f"mail to {remote.hop} is paused by the administrator"}
    shown = veredus.veredus("queue", "show", "all").stdout
    assert "mailbox is full" in shown and "nothing is tried until it is resumed" in shown and "next attempt" not in shown
    retried = veredus.veredus("queue", "retry", "all").stdout
    assert retried == "1 message to be tried now, but what is paused waits on: see veredus pause\n"
    veredus.log.wait_for("not tried, for mail to .* was paused")
    veredus.veredus("resume", "destination", remote.hop)
    wait_until(lambda: "next attempt" in veredus.veredus("queue", "show", "all").stdout)


def test_what_the_setting_pauses_says_so(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"paused": True}})
    mail.submit(veredus, ALICE, "x@b.example", mail.message(ALICE, "x@b.example"))
    assert waiting(veredus) == {"x@b.example": "all mail is paused by the setting queue.paused"}
    assert veredus.status()["paused"] == [{"of": "everything", "name": "queue.paused"}]
    assert "paused: everything queue.paused\n" in veredus.veredus("status").stdout
    assert "queue.paused" in veredus.veredus("pause").stdout
    veredus.configure({"queue": {"paused": False}})
    veredus.reload()
    remote.wait_messages(1)
    assert veredus.status()["paused"] == []


@pytest.mark.parametrize("words", [["destinaton", "b.example"], ["sender"]])
def test_a_slip_is_told(host, words):
    done = host().veredus("pause", *words, check=False)
    assert done.returncode == 64
    assert "sender" in done.stderr


def test_a_host_that_is_away_is_not_tried_for_each_message(host):
    route = f"relay:Ses@me@[127.0.0.1]:{free_port()}"  # nobody is shown its password
    veredus = host(users=["alice"], settings={"routes": {"*": route}, "queue": {"retry_first": "1h"}})
    for number in range(6):
        mail.submit(veredus, ALICE, f"x{number}@b.example", mail.message(ALICE, "x@b.example"))
        wait_until(lambda: all(waiting(veredus).values()))
    assert "Ses@me" not in veredus.log.text() and ": [127.0.0.1]:" in veredus.log.text()
    flow = veredus.veredus("top", "--once", "--json").stdout
    assert "Ses@me" not in flow and "[127.0.0.1]:" in flow
    reasons = list(waiting(veredus).values())
    assert sum(reason.startswith("not tried, for others could not be delivered there") for reason in reasons) == 3
    assert all("refused" in reason for reason in reasons)
