"""What the daemons remember of addresses, and how they learn that it has changed."""

import contextlib
import os
import signal
import smtplib
import time

import pytest

from harness import mail
from harness.instance import wait_until

ALICE = "alice@example.org"


@pytest.fixture
def veredus(host):
    return host(domains=["example.org", "example.net"], users=["alice", "bob", "carol@example.net"])


def verdict(veredus, address):
    """What smtpd says of a recipient."""
    with smtplib.SMTP("127.0.0.1", veredus.ports["smtp"]) as client:
        client.ehlo("client.example")
        client.mail("stranger@remote.example")
        return client.rcpt(address)[0]


def until_remembered(veredus, *addresses):
    """A change is a second old before anything is remembered again."""
    accounts = veredus.directory / "accounts.db"
    wait_until(lambda: time.time() > accounts.stat().st_ctime + 1.01)
    for address in addresses:
        assert verdict(veredus, address) == 250


@contextlib.contextmanager
def standing_still(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_known_recipient_needs_no_accountd(veredus):
    until_remembered(veredus, "bob@example.org")
    with standing_still(veredus.daemon("accountd")):
        assert verdict(veredus, "bob@example.org") == 250


def test_a_user_who_is_removed_is_refused_from_then_on(veredus):
    until_remembered(veredus, "bob@example.org")
    veredus.veredus("user", "remove", "bob@example.org")
    assert verdict(veredus, "bob@example.org") == 550
    assert verdict(veredus, ALICE) == 250


def test_mail_follows_an_alias_that_was_changed(veredus):
    veredus.veredus("alias", "add", "team@example.org", ALICE)
    until_remembered(veredus, "team@example.org")
    mail.send(veredus, "a@remote.example", "team@example.org", mail.message(to="team@example.org"))
    veredus.wait_delivered(ALICE)
    veredus.veredus("alias", "remove", "team@example.org")
    veredus.veredus("alias", "add", "team@example.org", "bob@example.org")
    mail.send(veredus, "a@remote.example", "team@example.org", mail.message(to="team@example.org"))
    veredus.wait_delivered("bob@example.org")


def test_a_domain_that_is_given_up_is_refused_after_the_reload(veredus):
    until_remembered(veredus, "carol@example.net")
    veredus.configure({"domains": ["example.org"]})
    veredus.reload()
    wait_until(lambda: verdict(veredus, "carol@example.net") == 554)
    assert verdict(veredus, ALICE) == 250
