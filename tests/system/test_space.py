"""Space comes back when messages leave, also while others stay in the same files."""

import smtplib

from harness import mail
from harness.instance import wait_until

ALICE, STRANGER = "alice@example.org", "stranger@remote.example"
KEPT = "stuck@nowhere.example"


def used(veredus):
    return sum(512 * each.stat().st_blocks for each in (veredus.directory / "spool" / "body").iterdir())


def send_many(veredus, count):
    """Of ten one waits, for a destination that is paused."""
    with smtplib.SMTP(veredus.host, veredus.ports["submission"], local_hostname="client.example", timeout=60) as client:
        client._host = veredus.hostname
        client.starttls(context=veredus.tls())
        client.login(ALICE, mail.PASSWORD)
        for number in range(count):
            to = KEPT if number % 10 == 0 else ALICE
            raw = mail.message(ALICE, to, subject=str(number), body=("x" * 70 + "\r\n") * 200)
            client.sendmail(ALICE, [to], raw)


def test_what_stays_does_not_keep_the_room_of_what_has_left(host):
    veredus = host(users=["alice"], settings={"queue": {"paused": True}})
    veredus.veredus("pause", "destination", "nowhere.example")
    send_many(veredus, 400)
    before = used(veredus)
    veredus.configure({"queue": {"paused": False}})
    veredus.reload()
    veredus.wait_delivered(ALICE, 360)
    wait_until(lambda: used(veredus) < before / 4, seconds=60)
    veredus.veredus("check")
    queue = veredus.queue()
    assert len(queue) == 40
    for message in queue[::13]:
        assert "x" * 70 in veredus.veredus("queue", "body", message["queue_id"]).stdout
