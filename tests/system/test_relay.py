"""Mail for other hosts: routes, smarthost, MX, retries, bounces (RFC 5321, 4.5.4; RFC 3464)."""

import contextlib
import email
import email.policy
import re
import socket
import ssl

import pytest

from harness import mail
from harness.dns import DnsServer
from harness.instance import wait_until
from harness.remote import RemoteHost

ALICE = "alice@example.org"
FAST = {"queue": {"retry_first": "1s", "retry_max": "2s"}}


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


def route(remote, **more):
    return {"routes": {"*": remote.hop}} | more


def test_relayed_with_its_bytes(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    raw = mail.message(ALICE, "bob@peer.example", body="one\r\n.\r\n..two\r\n")
    mail.submit(veredus, ALICE, "bob@peer.example", raw)
    received = remote.wait_messages()[0]
    assert (received.sender, received.recipients) == (ALICE, ["bob@peer.example"])
    assert received.data.endswith(raw), "the message came unchanged, below what was put on top"
    top = received.data[:-len(raw)].decode()
    assert re.match(r"Received: from .* by mx\.example\.org .*with ESMTPSA", " ".join(top.split()))
    found = veredus.log.wait_for(r"to=<bob@peer\.example>, relay=\S*\[127\.0\.0\.1\]:(\d+), .*dsn=2\.0\.0, status=sent")
    assert int(found[1]) == remote.port
    veredus.wait_until_empty()


def test_date_and_message_id_are_added_where_missing(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    mail.submit(veredus, ALICE, "bob@peer.example", b"From: <alice@example.org>\r\nTo: <bob@peer.example>\r\n\r\nshort\r\n")
    parsed = email.message_from_bytes(remote.wait_messages()[0].data, policy=email.policy.default)
    assert parsed["Date"].datetime is not None
    assert re.fullmatch(r"<[^@>]+@[a-z.]+>", parsed["Message-ID"].strip())
    assert parsed.get_content().strip() == "short"


def test_several_recipients_in_one_transaction(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    recipients = [f"r{number}@peer.example" for number in range(20)]
    mail.submit(veredus, ALICE, recipients, mail.message(ALICE, recipients[0]))
    received = remote.wait_messages()
    assert sorted(received[0].recipients) == sorted(recipients)
    assert len(received) == 1


def test_a_connection_is_used_again(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    for number in range(30):
        mail.submit(veredus, ALICE, f"r{number}@peer.example", mail.message(ALICE, "r@peer.example"))
    remote.wait_messages(30)
    assert remote.connections < 30, "each message had a connection of its own"


def test_a_destination_gets_what_it_asks_for(host, remote):
    limits = {"connections": 2, "messages": 5, "recipients": 3}
    veredus = host(users=["alice"], settings=route(remote, destinations={remote.host: limits}, queue={"paused": True}))
    for number in range(30):
        mail.submit(veredus, ALICE, f"r{number}@peer.example", mail.message(ALICE, "r@peer.example"))
    many = [f"many{number}@peer.example" for number in range(7)]
    mail.submit(veredus, ALICE, many, mail.message(ALICE, many[0]))
    veredus.configure({"queue": {"paused": False}})
    veredus.reload()
    received = remote.wait_messages(33)
    assert sorted(len(each.recipients) for each in received) == [1] * 31 + [3] * 2
    assert remote.most_connections <= 2
    assert remote.connections >= 33 / 5
    veredus.wait_until_empty()


@pytest.fixture
def hole():
    """A port at which all of 127.0.0.0/8 drops packets: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", listener.getsockname()[1]))
        yield listener.getsockname()[1]


def test_hundreds_of_dead_hosts_hold_nobody_up(host, remote, hole):
    """More jobs than relayd carries go to them."""
    dead = [f"dead{number}.example" for number in range(210)]
    routes = {domain: f"[127.1.0.{number + 1}]:{hole}" for number, domain in enumerate(dead)}
    veredus = host(users=["alice"], settings={"routes": {**routes, "good.example": remote.hop}})
    mail.submit(veredus, ALICE, "first@good.example", mail.message(ALICE, "first@good.example"))
    remote.wait_messages(1)
    for _ in range(5):
        for begin in range(0, len(dead), 70):
            mail.submit(veredus, ALICE, [f"x@{domain}" for domain in dead[begin:begin + 70]], mail.message(ALICE, "x@dead.example"))
    wait_until(lambda: veredus.status()["queue"]["active"] >= 400)
    mail.submit(veredus, ALICE, "second@good.example", mail.message(ALICE, "second@good.example"))
    remote.wait_messages(2)


def test_a_rate_is_kept_and_a_reload_lifts_it(host, remote):
    settings = route(remote, destinations={"*": {"rate": "1/h"}})
    veredus = host(users=["alice"], settings=settings)
    for number in range(3):
        mail.submit(veredus, ALICE, f"r{number}@peer.example", mail.message(ALICE, "r@peer.example"))
    remote.wait_messages(1)
    wait_until(lambda: len(veredus.queue()) == 2)
    shown = veredus.veredus("queue", "show", "all").stdout
    assert f"it waits for its turn at {remote.hop}: the rate set for it lets another go in 59 min, 2 messages waiting" in shown
    veredus.configure({"destinations": {"*": {"rate": "100/s"}}})
    veredus.reload()
    remote.wait_messages(3)
    veredus.wait_until_empty()


def test_4xx_is_tried_again_with_growing_pauses(host, remote):
    veredus = host(users=["alice"], settings=route(remote, **FAST))
    remote.replies["RCPT"] = ["450 4.2.0 grey", "450 4.2.0 grey", "250 2.1.5 welcome"]
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    veredus.log.wait_for(r"to=<bob@peer\.example>.*dsn=4\.2\.0, status=deferred \(.*450 4\.2\.0 grey")
    waiting = wait_until(lambda: [each for each in veredus.queue() if each["attempts"]])
    assert [each["address"] for each in waiting[0]["recipients"]] == ["bob@peer.example"]
    assert "grey" in waiting[0]["recipients"][0]["delay_reason"]
    remote.wait_messages()
    assert len(veredus.log.matching(r"status=deferred")) == 2
    veredus.wait_until_empty()


def test_only_the_recipient_that_was_put_off_is_tried_again(host, remote):
    veredus = host(users=["alice"], settings=route(remote, **FAST))
    remote.replies["RCPT"] = lambda line: ("450 4.2.0 later" if "slow" in line and not remote.messages else "250 ok")
    mail.submit(veredus, ALICE, ["quick@peer.example", "slow@peer.example"], mail.message(ALICE, "quick@peer.example"))
    first, second = remote.wait_messages(2)
    assert (first.recipients, second.recipients) == (["quick@peer.example"], ["slow@peer.example"])


def test_5xx_becomes_a_bounce(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    remote.replies["RCPT"] = "550 5.1.1 <bob@peer.example>: no such user here"
    raw = mail.message(ALICE, "bob@peer.example", subject="to nobody")
    mail.submit(veredus, ALICE, "bob@peer.example", raw)
    veredus.wait_delivered(ALICE)
    bounce = mail.mailbox(veredus, ALICE)[0]
    assert bounce.startswith(b"Return-Path: <>\r\n")
    check_report(bounce, "bob@peer.example", "failed", "5.1.1", "no such user here", b"Subject: to nobody")
    veredus.wait_until_empty()


def check_report(raw, recipient, action, status, words, original):
    """RFC 3464, as Python's email package reads it."""
    report = email.message_from_bytes(raw, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert "MAILER-DAEMON" in report["From"].upper()
    assert report["Auto-Submitted"] == "auto-replied"
    human, machine, returned = report.iter_parts()
    assert words in human.get_content()
    assert machine.get_content_type() == "message/delivery-status"
    about_message, about_recipient = machine.get_payload()
    assert about_message["Reporting-MTA"] == "dns; mx.example.org"
    assert about_recipient["Final-Recipient"].replace(" ", "") == f"rfc822;{recipient}"
    assert about_recipient["Action"] == action
    assert about_recipient["Status"] == status
    if words in ("no such user here", ):
        assert about_recipient["Diagnostic-Code"].startswith("smtp;") and words in about_recipient["Diagnostic-Code"]
    assert returned.get_content_type() in ("message/rfc822", "text/rfc822-headers")
    assert original in returned.as_bytes().replace(b"\r\n", b"\n")


def test_mail_that_expires_becomes_a_bounce(host, remote):
    veredus = host(users=["alice"], settings=route(remote) | {"queue": {"retry_first": "1s", "retry_max": "1s", "expire": "2s"}})
    remote.replies["MAIL"] = "451 4.3.2 not today"
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example", subject="late"))
    veredus.wait_delivered(ALICE, seconds=30)
    report = email.message_from_bytes(mail.mailbox(veredus, ALICE)[0], policy=email.policy.default)
    machine = list(report.iter_parts())[1].get_payload()[1]
    assert machine["Action"] == "failed" and machine["Status"].startswith(("4.", "5."))


def test_a_notice_of_delay_and_no_bounce_of_a_bounce(host, remote):
    veredus = host(users=["alice"], settings=route(remote) | {
        "queue": {"retry_first": "1s", "retry_max": "1s", "delay_notice": "1s"}})
    remote.replies["MAIL"] = "451 4.3.2 not today"
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example", subject="slow"))
    veredus.wait_delivered(ALICE, seconds=30)
    report = email.message_from_bytes(mail.mailbox(veredus, ALICE)[0], policy=email.policy.default)
    assert list(report.iter_parts())[1].get_payload()[1]["Action"] == "delayed"
    # Mail from <> that cannot be delivered goes nowhere.
    remote.replies["MAIL"] = "250 ok"
    remote.replies["RCPT"] = "550 5.1.1 no"
    remote.wait_commands("RCPT")
    veredus.wait_delivered(ALICE, seconds=30)  # the bounce of the first message
    assert veredus.log.matching(r"status=bounced")


def test_a_remote_that_breaks_off_is_tried_again(host, remote):
    veredus = host(users=["alice"], settings=route(remote, **FAST))
    remote.replies["."] = ["drop", "250 2.0.0 ok"]
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    veredus.log.wait_for(r"to=<bob@peer\.example>.*status=deferred")
    remote.wait_messages()


@pytest.mark.parametrize("greeting", ["421 4.3.2 busy", "554 5.3.2 go away", "drop"])
def test_a_remote_that_turns_us_away_at_the_door(host, remote, greeting):
    veredus = host(users=["alice"], settings=route(remote, **FAST))
    remote.replies["CONNECT"] = [greeting, "220 welcome"]
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    if greeting.startswith("5"):
        veredus.log.wait_for(r"to=<bob@peer\.example>.*status=(deferred|bounced)")
    else:
        remote.wait_messages()


def test_helo_where_ehlo_is_unknown(host, remote):
    veredus = host(users=["alice"], settings=route(remote))
    remote.replies["EHLO"] = "500 what?"
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    remote.wait_messages()
    assert any(command.upper().startswith("HELO ") for command in remote.commands)


def test_tls_when_offered_and_without_when_it_fails(host, place):
    other = host("other", users=["carol"], domains=["other.example"], hostname="mx.other.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.directory / "tls" / "cert.pem", other.directory / "tls" / "key.pem")
    with RemoteHost(tls=context) as secured, RemoteHost(extensions=["STARTTLS"]) as broken:
        broken.replies["STARTTLS"] = "454 4.7.0 not now"
        veredus = host(users=["alice"], settings={"routes": {"tls.example": secured.hop, "broken.example": broken.hop}, **FAST})
        mail.submit(veredus, ALICE, "bob@tls.example", mail.message(ALICE, "bob@tls.example"))
        secured.wait_messages()
        assert secured.tls_connections == 1
        mail.submit(veredus, ALICE, "bob@broken.example", mail.message(ALICE, "bob@broken.example"))
        broken.wait_messages()


def test_smarthost(host, remote):
    veredus = host(users=["alice"], settings={"relay": {"smarthost": remote.hop}})
    mail.submit(veredus, ALICE, ["bob@one.example", "carol@two.example"], mail.message(ALICE, "bob@one.example"))
    wait_until(lambda: sorted(sum((each.recipients for each in remote.messages), [])) == ["bob@one.example", "carol@two.example"])


def test_smarthost_with_a_login(host):
    smarthost = host("smart", users=["client"], domains=["smart.example"], hostname="mx.smart.example")
    veredus = host("client", users=["alice"], settings={
        "relay": {"smarthost": f"client@smart.example:secret@[127.0.0.1]:{smarthost.ports['submission']}"}})
    active = veredus.directory / "run/config/veredus.toml"
    alone = veredus.directory / "run/config.relayd/veredus.toml"
    assert "client@smart.example:***@" in active.read_text() and ":secret@" in alone.read_text()
    assert alone.stat().st_mode & 0o777 == 0o600 and alone.parent.stat().st_mode & 0o777 == 0o700
    # The smarthost's user may send as himself alone; mail from him goes through.
    mail.submit(veredus, ALICE, "client@smart.example", mail.message(ALICE, "client@smart.example"))
    found = veredus.log.wait_for(r"to=<client@smart\.example>.*status=(\w+) \((.*)\)")
    assert found[1] == "bounced" and "5.7.1" in found[2], "logged in, but not as the owner of the sender's address"


def test_the_next_mx_when_the_first_is_down(host, remote, place):
    with RemoteHost(host="127.0.0.3", port=remote.port) as second:
        with DnsServer(mx={"peer.example": [(10, "mx1.peer.example"), (20, "mx2.peer.example")]},
                       hosts={"mx1.peer.example": "127.0.0.2", "mx2.peer.example": "127.0.0.3"}) as dns:
            veredus = host(users=["alice"], settings={"dns": {"servers": [dns.server]},
                                                      "routes": {"peer.example": f"peer.example:{remote.port}"}})
            mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
            second.wait_messages()
            veredus.log.wait_for(r"to=<bob@peer\.example>, relay=mx2\.peer\.example\[127\.0\.0\.3\]:\d+, .*status=sent")
            # And is not tried again by the next message.
            mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
            second.wait_messages(2)
            assert veredus.log.text().count("connect to mx1.peer.example[127.0.0.2]") == 1


def test_a_domain_that_does_not_exist_and_one_that_takes_no_mail(host):
    with DnsServer(mx={"null.example": [(0, ".")]}, hosts={"null.example": "127.0.0.2"}) as dns:
        veredus = host(users=["alice"], settings={"dns": {"servers": [dns.server]}, **FAST})
        for domain in ("nowhere.example", "null.example"):
            mail.submit(veredus, ALICE, f"bob@{domain}", mail.message(ALICE, f"bob@{domain}"))
            veredus.log.wait_for(rf"to=<bob@{domain}>.*dsn=5\.[0-9.]+, status=bounced")
            veredus.wait_delivered(ALICE)
        first, second = mail.mailbox(veredus, ALICE)
        assert b"nowhere.example" in first and b"null.example" in second
