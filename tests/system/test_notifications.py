"""Delivery status notifications: what a sender asks for, passes on, and is told (RFC 3461, 3464)."""

import email
import email.policy
import smtplib
import subprocess

import pytest

from harness import mail
from harness.instance import PASSWORD, program, wait_until
from harness.log import PATIENCE
from harness.remote import RemoteHost

ALICE, BOB = "alice@example.org", "bob@example.org"
PLAIN = ("PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES")


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


@pytest.fixture
def knowing():
    """A host that offers DSN."""
    with RemoteHost(extensions=(*PLAIN, "DSN")) as server:
        yield server


def submit(veredus, recipients, raw, mail_options=(), user=ALICE):
    """`recipients`: {address: RCPT options}."""
    with smtplib.SMTP(veredus.host, veredus.ports["submission"], timeout=2 * PATIENCE) as client:
        client._host = veredus.hostname
        client.starttls(context=veredus.tls())
        client.login(user, PASSWORD)
        code, words = client.mail(user, list(mail_options))
        assert code == 250, words
        for recipient, options in recipients.items():
            code, words = client.rcpt(recipient, options)
            assert code == 250, words
        code, words = client.data(raw)
        assert code == 250, words


class Report:
    """A notification as Python's email package reads it."""

    def __init__(self, raw):
        self.raw = raw
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        assert self.message.get_content_type() == "multipart/report"
        human, self.machine, self.returned = self.message.iter_parts()
        self.text = human.get_content().replace("\r\n", "\n")
        self.about, *self.recipients = self.machine.get_payload()

    def actions(self):
        return {each["Final-Recipient"].split("; ")[1]: each["Action"] for each in self.recipients}


def reports(veredus, count, user=ALICE):
    veredus.wait_delivered(user, count)
    return [Report(raw) for raw in mail.mailbox(veredus, user)]


def wait_gone(veredus, sender=ALICE):
    """Until the message from `sender` has left the queue; its id."""
    found = veredus.log.wait_for(rf"\b(\w{{13}}): from=<{sender}>")
    veredus.log.wait_for(rf"{found[1]}: removed")
    return found[1]


def test_what_was_asked_is_passed_on_to_a_host_that_knows_it(host, knowing):
    veredus = host(users=["alice"], settings={"routes": {"*": knowing.hop}})
    submit(veredus, {"bob@peer.example": ["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;Bob+2Bx@peer.example"],
                     "carol@peer.example": []},
           mail.message(ALICE, "bob@peer.example"), ["RET=HDRS", "ENVID=QQ314+20a"])
    knowing.wait_messages()
    assert [line for line in knowing.commands if line.startswith("MAIL")][0].endswith(" RET=HDRS ENVID=QQ314+20a")
    rcpt = [line for line in knowing.commands if line.startswith("RCPT")]
    assert rcpt == ["RCPT TO:<bob@peer.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+2Bx@peer.example",
                    "RCPT TO:<carol@peer.example> ORCPT=rfc822;carol@peer.example"]
    # RFC 3461, 5.2.1: that host tells of success, and we do not.
    wait_gone(veredus)
    assert not veredus.log.matching("sender notification")


def test_success_at_a_host_that_does_not_know_it_is_told_as_relayed(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
    submit(veredus, {"bob@peer.example": ["NOTIFY=SUCCESS", "ORCPT=rfc822;Bob@peer.example"], "carol@peer.example": []},
           mail.message(ALICE, "bob@peer.example"), ["RET=FULL", "ENVID=abc+3D"])
    assert not [line for line in remote.commands if "ENVID" in line or "NOTIFY" in line or "ORCPT" in line]
    report, = reports(veredus, 1)
    assert report.text.startswith("Your message to bob@peer.example was passed on to the recipient's mail\nserver.\n")
    assert report.about["Original-Envelope-Id"] == "abc="
    one, = report.recipients
    assert one["Original-Recipient"] == "rfc822; Bob@peer.example"
    assert (one["Action"], one["Status"]) == ("relayed", "2.0.0")
    assert one["Diagnostic-Code"] == "smtp; 250 2.0.0 accepted"
    # RFC 3461, 4.3: FULL speaks of failures.
    assert report.returned.get_content_type() == "text/rfc822-headers"


def test_delivered_and_expanded(host):
    veredus = host(users=["alice", "bob", "carol"])
    veredus.veredus("alias", "add", "team@example.org", ALICE, BOB)
    veredus.veredus("alias", "add", "single@example.org", "carol@example.org")
    asked = ["NOTIFY=SUCCESS,FAILURE"]
    submit(veredus, dict.fromkeys(["bob+x@example.org", "team@example.org", "single@example.org"], asked), mail.message(ALICE, BOB))
    wait_gone(veredus)  # to bob twice, to alice and to carol

    def told():
        found = [Report(raw) for raw in mail.mailbox(veredus, ALICE) if b"multipart/report" in raw]
        return {one["Final-Recipient"]: (one["Action"], one["Original-Recipient"]) for each in found for one in each.recipients}

    assert wait_until(lambda: len(told()) == 3 and told()) == {
        "rfc822; bob+x@example.org": ("delivered", None),
        "rfc822; team@example.org": ("expanded", None),
        "rfc822; carol@example.org": ("delivered", "rfc822; single@example.org")}


def test_several_that_fail_are_told_together(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
    remote.replies["RCPT"] = lambda line: "250 ok" if "good" in line else "552 5.2.2 <x>: over quota" if "full" in line else "550 5.1.1 unknown"
    submit(veredus, dict.fromkeys(["full@peer.example", "good@peer.example", "none@peer.example"], ()), mail.message(ALICE, "x@peer.example"))
    report, = reports(veredus, 1)
    assert report.actions() == {"full@peer.example": "failed", "none@peer.example": "failed"}
    assert report.text.startswith("Your message could not be delivered to the 2 recipients below.\n")
    assert "  full@peer.example\n    The recipient's mailbox is full.\n" in report.text
    assert "552 5.2.2 <x>: over quota" in report.text


def test_what_of_the_message_comes_back(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
    remote.replies["RCPT"] = "550 5.1.1 unknown"
    small = mail.message(ALICE, "bob@peer.example", subject="small")
    large = mail.message(ALICE, "bob@peer.example", subject="large", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 3000)
    umlaut = mail.message(ALICE, "bob@peer.example", subject="ü")
    for number, (raw, options, kind) in enumerate([
            (small, ["RET=FULL"], "message/rfc822"), (small, ["RET=HDRS"], "text/rfc822-headers"),
            (small, [], "text/rfc822-headers"), (large, ["RET=FULL"], "text/rfc822-headers"),
            (umlaut, ["RET=FULL", "BODY=8BITMIME"], "message/global"), (umlaut, [], "message/global-headers")]):
        submit(veredus, {"bob@peer.example": ()}, raw, options)
        veredus.wait_delivered(ALICE)
        report = Report(mail.mailbox(veredus, ALICE)[-1])
        assert report.returned.get_content_type() == kind, number
        assert report.message["In-Reply-To"] == email.message_from_bytes(raw)["Message-ID"]
        assert max(report.raw) < 0x80, "seven bits go anywhere"
        if kind == "message/rfc822":
            assert report.returned.as_bytes().replace(b"\r\n", b"\n").endswith(raw.replace(b"\r\n", b"\n"))


def test_never_is_never(host, remote):
    """As list software sends: nobody wants to hear of it."""
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}})
    remote.replies["RCPT"] = "550 5.1.1 unknown"
    raw = mail.message(ALICE, "bob@peer.example", headers=["Precedence: list", "List-Id: <l.example.org>", "Auto-Submitted: auto-generated"])
    submit(veredus, {"bob@peer.example": ["NOTIFY=NEVER"]}, raw)
    wait_gone(veredus)
    assert veredus.log.matching("status=bounced") and not veredus.log.matching("sender notification")
    assert mail.mailbox(veredus, ALICE) == []


def test_a_delay_says_until_when_it_is_tried(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1s", "retry_max": "1s", "delay_notice": "1s"}})
    remote.replies["RCPT"] = "452 4.2.2 over quota"
    submit(veredus, {"bob@peer.example": ["NOTIFY=DELAY"]}, mail.message(ALICE, "bob@peer.example"))
    report, = reports(veredus, 1)
    assert report.text.startswith("Your message to bob@peer.example has not been delivered yet.\n"
                                  "You need not do anything, and need not send it again.")
    one, = report.recipients
    assert (one["Action"], one["Status"]) == ("delayed", "4.2.2")
    assert " ".join(report.text.split()).find(f"Delivery will be tried until {one['Will-Retry-Until']}.") > 0
    # It is given up without a word: FAILURE was not asked for.
    remote.replies["RCPT"] = "550 5.2.2 still over quota"
    wait_gone(veredus)
    assert len(veredus.log.matching("sender notification")) == 1


def test_each_that_is_late_is_told_of(host, remote):
    with RemoteHost() as other:
        veredus = host(users=["alice"], settings={"routes": {"one.example": remote.hop, "two.example": other.hop},
                                                  "queue": {"retry_first": "1s", "retry_max": "1s", "delay_notice": "1s"}})
        for each in (remote, other):
            each.replies["RCPT"] = "450 4.7.1 later"
        submit(veredus, {"a@one.example": [], "b@two.example": []}, mail.message(ALICE, "a@one.example"))
        told = reports(veredus, 2)
        assert sorted(address for report in told for address in report.actions()) == ["a@one.example", "b@two.example"]
        for each in (remote, other):
            each.replies["RCPT"] = "250 2.1.5 now"
        wait_gone(veredus)
        assert len(veredus.log.matching("sender notification")) == 2


def test_given_up_with_the_last_answer(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1s", "retry_max": "1s", "expire": "2s"}})
    remote.replies["RCPT"] = "452 4.2.2 over quota"
    submit(veredus, {"bob@peer.example": []}, mail.message(ALICE, "bob@peer.example"))
    report, = reports(veredus, 1)
    one, = report.recipients
    assert (one["Action"], one["Status"], one["Diagnostic-Code"]) == ("failed", "4.2.2", "smtp; 452 4.2.2 over quota")
    assert "The recipient's mailbox is full. It was tried for" in " ".join(report.text.split())
    veredus.log.wait_for(rf"from=<{ALICE}>, status=expired, returned to sender")


def test_sendmail_asks_for_them(host, knowing):
    veredus = host(users=["alice"], settings={"routes": {"*": knowing.hop}})
    subprocess.run([program("sendmail"), "-C", str(veredus.directory), "-f", ALICE, "-N", "success,failure", "-R", "hdrs",
                    "-V", "my id=1", "bob@peer.example"], input=b"Subject: x\n\nhello\n", check=True, timeout=2 * PATIENCE)
    knowing.wait_messages()
    said = [line for line in knowing.commands if line.startswith(("MAIL", "RCPT"))]
    assert said[0].endswith(" RET=HDRS ENVID=my+20id+3D1")
    assert said[1] == "RCPT TO:<bob@peer.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@peer.example"
