"""Submission (RFC 6409): who may send, and as whom; no relaying for strangers; large messages whole."""

import smtplib
import subprocess

import pytest

from harness import mail
from harness.instance import PASSWORD, program
from harness.log import PATIENCE

ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
def veredus(host):
    made = host(users=["alice", "bob"], settings={"routes": {"*": "[127.0.0.1]:9"}})
    made.veredus("alias", "add", "sales@example.org", ALICE)
    return made


def test_a_sender_uses_his_own_addresses_only(veredus):
    for sender in (ALICE, "alice+shop@example.org", "sales@example.org", "ALICE@EXAMPLE.ORG"):
        mail.submit(veredus, ALICE, BOB, mail.message(sender, BOB), sender=sender)
    veredus.wait_delivered(BOB, 4)
    for sender in (BOB, "stranger@remote.example", "nobody@example.org", "alice@example.org.remote.example"):
        with pytest.raises(smtplib.SMTPException) as refused:
            mail.submit(veredus, ALICE, BOB, mail.message(sender, BOB), sender=sender)
        assert "5.7.1" in str(refused.value)
    assert len(mail.mailbox(veredus, BOB)) == 4


def test_submission_without_login_is_refused(veredus):
    for port in ("submission", "submissions"):
        kind = smtplib.SMTP if port == "submission" else smtplib.SMTP_SSL
        more = {} if port == "submission" else {"context": unverified(veredus)}
        with kind(veredus.host, veredus.ports[port], **more) as client:
            client.ehlo()
            code, text = client.mail(ALICE)
            assert code == 530 and text.startswith(b"5.7.0"), (port, code, text)


def unverified(veredus):
    context = veredus.tls()
    context.check_hostname = False
    return context


@pytest.mark.parametrize("mechanism", ["auth_plain", "auth_login"])
@pytest.mark.parametrize("name", [ALICE, "alice"])
def test_logins(veredus, mechanism, name):
    with smtplib.SMTP(veredus.host, veredus.ports["submission"]) as client:
        client._host = veredus.hostname
        client.starttls(context=veredus.tls())
        client.ehlo()
        client.user, client.password = name, PASSWORD
        code, text = client.auth(mechanism.removeprefix("auth_").upper(), getattr(client, mechanism))
        assert (code, text[:5]) == (235, b"2.7.0")
        client.user, client.password = name, "wrong"


@pytest.mark.parametrize("name,password", [(ALICE, "wrong"), (ALICE, ""), ("nobody@example.org", PASSWORD), ("", PASSWORD), (ALICE, PASSWORD + "x"),
                                           (ALICE, "x" * 900)])
def test_wrong_logins(veredus, name, password):
    with smtplib.SMTP_SSL(veredus.host, veredus.ports["submissions"], context=unverified(veredus)) as client:
        client.ehlo()
        client.user, client.password = name, password
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.auth("PLAIN", client.auth_plain)
        assert refused.value.smtp_code in (535, 501)


def test_no_relay_for_strangers(veredus):
    for sender in ("stranger@remote.example", ALICE, ""):
        for recipient in ("victim@elsewhere.example", "victim%elsewhere.example@example.org", "victim@elsewhere.example@example.org"):
            with smtplib.SMTP(veredus.host, veredus.ports["smtp"]) as client:
                client.ehlo("client.example")
                assert client.mail(sender)[0] == 250
                assert client.rcpt(recipient)[0] in (550, 501, 553, 554)
    veredus.wait_until_empty()


def test_ten_megabytes_and_too_much(veredus):
    raw, digest = mail.big_message(10_000_000, sender=ALICE, to=BOB)
    mail.submit(veredus, ALICE, BOB, raw)
    veredus.wait_delivered(BOB)
    assert mail.attachment_digest(mail.mailbox(veredus, BOB)[0]) == digest
    with mail.imap(veredus, BOB) as client:
        client.select("INBOX")
        assert mail.attachment_digest(client.fetch("1", "(BODY.PEEK[])")[1][0][1]) == digest
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        mail.submit(veredus, ALICE, BOB, b"Subject: x\r\n\r\n" + b"x" * 76 * (1 << 20))
    assert refused.value.smtp_code == 552


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_who_types_smtp_to_sendmail_ends_lines_as_he_likes(veredus, end):
    said = ["EHLO x", f"MAIL FROM:<{ALICE}>", f"RCPT TO:<{BOB}>", "DATA", "Subject: typed", "", "hello", ".", "QUIT", ""]
    done = subprocess.run([program("sendmail"), "-C", str(veredus.directory), "-bs"], input=end.join(said).encode(),
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0 and b"\r\n250 2.0.0 Ok: queued as " in done.stdout and b"\r\n221 " in done.stdout
    veredus.wait_delivered(BOB)
    assert mail.mailbox(veredus, BOB)[0].endswith(b"Subject: typed\r\n\r\nhello\r\n")


def test_a_program_of_this_host_may_write_to_very_many(host):
    few = host(users=["alice"], settings={"limits": {"recipients": 100}, "queue": {"paused": True}})
    many = [f"recipient{number}@peer.example" for number in range(250)]

    def send(recipients):
        return subprocess.run([program("sendmail"), "-C", str(few.directory), "-f", ALICE, *recipients], input=b"Subject: to all\n\nhello\n",
                              capture_output=True, timeout=PATIENCE).returncode

    assert send(many) == 0
    assert [len(message["recipients"]) for message in few.queue()] == [250]
    # To all or to none.
    assert send([*many, "nobody@example.org"]) == 67
    assert len(few.queue()) == 1
