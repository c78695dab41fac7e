"""Loops, each of which must end, and with one notification at most. More in test_local.py (aliases)."""

import pytest

from harness import mail
from harness.dns import DnsServer
from harness.instance import PASSWORD, wait_until
from harness.remote import RemoteHost

ALICE = "alice@example.org"
STRANGER = "stranger@gone.example"


@pytest.fixture
def refusing():
    """A host that takes nobody."""
    with RemoteHost() as server:
        server.replies["RCPT"] = "550 5.1.1 nobody of this name"
        yield server


def test_a_bounce_that_bounces_goes_to_the_postmaster_and_no_further(host, refusing):
    veredus = host(users=["alice"], settings={"routes": {"*": refusing.hop}})
    veredus.veredus("alias", "add", "away@example.org", "friend@elsewhere.example")
    mail.send(veredus, STRANGER, "away@example.org", mail.message(STRANGER, "away@example.org", subject="round"))
    # The postmaster is the user who was there first (RFC 5321, 4.5.1).
    veredus.log.wait_for(rf"to=<{ALICE}>, orig_to=<postmaster@example\.org>, .*status=sent")
    double, = mail.mailbox(veredus, ALICE)
    assert double.startswith(b"Return-Path: <>\r\n")
    assert b"To: <postmaster@example.org>" in double
    assert f"Your message to {STRANGER} could not be delivered".encode() in double
    assert len(veredus.log.matching("sender notification")) == 2
    veredus.wait_until_empty()


def test_what_the_postmaster_does_not_take_either_is_dropped(host, refusing):
    veredus = host(users=["alice"], settings={"routes": {"*": refusing.hop}})
    veredus.veredus("alias", "add", "away@example.org", "friend@elsewhere.example")
    veredus.veredus("alias", "add", "postmaster@example.org", "admin@elsewhere.example")
    mail.send(veredus, STRANGER, "away@example.org", mail.message(STRANGER, "away@example.org"))
    dropped = veredus.log.wait_for(r"(\w{13}): it tells the postmaster of a notification that nobody takes")
    veredus.log.wait_for(rf"{dropped[1]}: removed")
    assert len(veredus.log.matching("sender notification")) == 2
    veredus.wait_until_empty()
    assert mail.mailbox(veredus, ALICE) == []


def test_no_postmaster_at_all(host, refusing):
    veredus = host(settings={"routes": {"*": refusing.hop}})
    veredus.veredus("alias", "add", "away@example.org", "friend@elsewhere.example")
    mail.send(veredus, "", "away@example.org", mail.message(STRANGER, "away@example.org"))
    veredus.log.wait_for(r"to=<postmaster@example\.org>, relay=local, .*dsn=5\.1\.1, status=bounced")
    dropped = veredus.log.wait_for(r"(\w{13}): it tells the postmaster of a notification that nobody takes")
    veredus.log.wait_for(rf"{dropped[1]}: removed")
    veredus.wait_until_empty()


def test_a_smarthost_that_is_this_host(host):
    """The messages go round until there are too many Received fields (RFC 5321, 6.3): one bounce."""
    veredus = host(users=["alice"])
    veredus.stop()
    veredus.configure({"relay": {"smarthost": f"{ALICE}:{PASSWORD}@[127.0.0.1]:{veredus.ports['submission']}"}})
    veredus.start()
    mail.submit(veredus, ALICE, "bob@far.example", mail.message(ALICE, "bob@far.example"))
    veredus.wait_delivered(ALICE, seconds=60)
    bounce, = mail.mailbox(veredus, ALICE)
    assert b"went round in a circle" in bounce and b"Status: 5.4.6" in bounce
    assert len(veredus.log.matching("sender notification")) == 1
    veredus.wait_until_empty()


def test_two_hosts_that_are_each_others_smarthost(host):
    one = host("one", users=["alice"])
    through = f"{ALICE}:{PASSWORD}@[127.0.0.1]:"
    two = host("two", users=["alice"], settings={"relay": {"smarthost": f"{through}{one.ports['submission']}"}})
    one.stop()
    one.configure({"relay": {"smarthost": f"{through}{two.ports['submission']}"}})
    one.start()
    mail.submit(one, ALICE, "bob@far.example", mail.message(ALICE, "bob@far.example"))
    told = wait_until(lambda: next((each for each in (one, two) if each.log.matching("sender notification")), None), seconds=60)
    told.wait_delivered(ALICE)
    bounce, = mail.mailbox(one, ALICE) + mail.mailbox(two, ALICE)
    assert b"went round in a circle" in bounce and b"Status: 5.4.6" in bounce
    one.wait_until_empty()
    two.wait_until_empty()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.8.7", "0.0.0.0", "::1"])
def test_a_foreign_domain_whose_mx_is_this_host(host, address):
    with DnsServer(mx={"trap.example": [(10, "mx.trap.example"), (20, "back.trap.example")]},
                   hosts={"mx.trap.example": address, "back.trap.example": "127.0.0.2"}) as dns:
        veredus = host(users=["alice"], settings={"dns": {"servers": [dns.server]}})
        mail.submit(veredus, ALICE, "bob@trap.example", mail.message(ALICE, "bob@trap.example"))
        veredus.log.wait_for(r"to=<bob@trap\.example>, relay=none, .*dsn=5\.4\.6, status=bounced \(mail for trap\.example loops back")
        veredus.wait_delivered(ALICE)
        assert len(mail.mailbox(veredus, ALICE)) == 1
