"""veredus trace: what became of each message, also after it has left, also across crashes (docs/formats-queue.md)."""

import email
import json
import os
import signal
import subprocess

import pytest

from harness import mail
from harness.instance import program, wait_until
from harness.remote import RemoteHost

ALICE = "alice@example.org"
IN_DOUBT = "the connection broke after the final dot: it may have arrived; the next attempt carries the same Message-ID"


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


def trace(veredus, *words):
    """Exit code, standard output, standard error."""
    done = subprocess.run([*veredus.prefix, program("veredus"), "-C", str(veredus.directory), "trace", *words],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def stories(veredus, *words):
    code, out, _ = trace(veredus, "--json", *words)
    return [json.loads(line) for line in out.splitlines()] if code == 0 else []


def gone(veredus, message_id):
    """The story of a message that has left; waits for it."""
    def left():
        found = [each for each in stories(veredus, message_id) if each["message_id"] == message_id and "left" in each]
        return found[0] if found else None
    return wait_until(left)


def message_id(raw):
    return email.message_from_bytes(raw)["Message-ID"]


def test_every_end_of_a_message_is_told_also_after_a_crash(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1s", "retry_max": "1s"}})
    veredus.veredus("alias", "add", "team@example.org", "alice@example.org", "carol@peer.example")
    remote.replies["RCPT"] = lambda line: ("550 5.1.1 <nobody@peer.example>: no such user" if "nobody" in line else
                                           "450 4.2.0 not now" if "later" in line else "250 2.1.5 ok")
    local = mail.message(to="team@example.org")
    mail.send(veredus, "stranger@remote.example", "team@example.org", local)
    bounced = mail.message(ALICE, "nobody@peer.example")
    mail.submit(veredus, ALICE, "nobody@peer.example", bounced)
    deleted = mail.message(ALICE, "later@peer.example")
    mail.submit(veredus, ALICE, "later@peer.example", deleted)
    veredus.log.wait_for(r"to=<later@peer\.example>.*status=deferred")
    def deferred():  # told in the log a moment before it is on disk
        return [each for each in stories(veredus, message_id(deleted)) if each["recipients"][0]["state"] == "deferred"]
    waiting = wait_until(deferred)[0]
    assert "left" not in waiting
    veredus.veredus("queue", "delete", waiting["id"])
    before = {raw: gone(veredus, message_id(raw)) for raw in (local, bounced, deleted)}

    os.kill(veredus.daemon("queued"), signal.SIGKILL)
    veredus.log.wait_for(r"queued\[\d+\] was ended by signal 9")
    for raw, story in before.items():
        assert gone(veredus, message_id(raw)) == story
        assert stories(veredus, message_id(raw).strip("<>"))[0] == story
        assert stories(veredus, story["id"].lower())[0] == story
    veredus.kill()
    for raw, story in before.items():  # the ledger is read without a daemon
        assert stories(veredus, story["id"])[0] == story
    code, out, complaint = trace(veredus, "nobody@peer.example")
    assert code == 0 and "not shown" in complaint and "5.1.1" in out
    veredus.start()

    story = before[local]
    ends = {each["to"]: each for each in story["recipients"]}
    assert {to: each["state"] for to, each in ends.items()} == {
        "team@example.org": "expanded", ALICE: "delivered", "carol@peer.example": "relayed"}
    assert ends[ALICE]["expanded_from"] == "team@example.org"
    assert ends["carol@peer.example"]["attempts"][0]["reply"] == "250 2.0.0 accepted"
    assert ends["carol@peer.example"]["attempts"][0]["remote"] == f"127.0.0.1[127.0.0.1]:{remote.port}"
    assert (story["from"], story["state"], story["client"]["name"]) == ("stranger@remote.example", "done", "client.example")
    for address in ("team@example.org", "CAROL@peer.example", "stranger@remote.example"):
        assert story in stories(veredus, address)

    assert before[bounced]["client"]["user"] == ALICE and before[bounced]["client"]["protocol"] == "ESMTPSA"
    text = trace(veredus, before[bounced]["id"])[1]
    assert "no such user" in text and f"to <{ALICE}>, now delivered" in text
    notification = next(each for each in stories(veredus, before[bounced]["id"]) if each.get("about"))
    assert notification["about"] == before[bounced]["id"] and notification["from"] == ""
    # Also where it is one of several.
    assert len(stories(veredus, ALICE)) > 2 and f"notification {notification['id']} to <{ALICE}>" in trace(veredus, ALICE)[1]
    assert f"about       {before[bounced]['id']}" in trace(veredus, notification["id"])[1]

    assert before[deleted]["state"] == "deleted"
    text = trace(veredus, message_id(deleted))[1]
    assert "450 4.2.0 not now" in text and "deleted by the administrator" in text


def test_in_doubt_is_told_and_the_retry_is_the_same_message(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h", "retry_max": "1h"}})
    remote.replies["."] = ["drop", "250 2.0.0 ok"]
    raw = mail.message(ALICE, "bob@peer.example")
    mail.submit(veredus, ALICE, "bob@peer.example", raw)
    veredus.log.wait_for(r"to=<bob@peer\.example>.*status=deferred \(.*it may have arrived")
    waiting = wait_until(lambda: [each for each in veredus.queue() if each["attempts"] == 1])[0]
    assert "it may have arrived" in waiting["recipients"][0]["delay_reason"]
    for words in (["queue", "show", waiting["queue_id"]], ["trace", waiting["queue_id"]]):
        told = veredus.veredus(*words).stdout
        assert IN_DOUBT in told and "next attempt at" in told
    assert stories(veredus, waiting["queue_id"])[0]["recipients"][0]["state"] == "in doubt"

    veredus.veredus("queue", "retry", waiting["queue_id"])
    received = remote.wait_messages()[0]
    assert received.data.endswith(raw), "the retry carries the same bytes, the Message-ID among them"
    story = gone(veredus, message_id(raw))
    assert story["id"] == waiting["queue_id"]
    assert [each["state"] for each in story["recipients"][0]["attempts"]] == ["in doubt", "relayed"]
    assert "it may have arrived" in trace(veredus, message_id(raw))[1]


def test_what_is_not_known_and_what_is_too_much(host):
    veredus = host(users=["alice"])
    code, out, complaint = trace(veredus, "nobody@nowhere.example")
    assert (code, out) == (65, "") and "nothing is known of nobody@nowhere.example" in complaint
    assert trace(veredus, ALICE, "--since", "yesterday")[0] == 64
    for _ in range(4):
        mail.send(veredus, "stranger@remote.example", ALICE, mail.message())
    veredus.wait_delivered(ALICE, 4)
    wait_until(lambda: len([each for each in stories(veredus, ALICE) if "left" in each]) == 4)
    code, out, complaint = trace(veredus, ALICE, "--json", "--limit", "3")
    assert code == 0 and len(out.splitlines()) == 3 and "the latest 3 are shown" in complaint
    ids = [json.loads(line)["id"] for line in out.splitlines()]
    assert ids == sorted(ids, reverse=True)
    assert len(stories(veredus, ALICE, "--since", "1h")) == 4
    assert trace(veredus, ALICE, "--since", "2099-01-01")[0] == 65
