"""A spool without room: senders are told to try later, nothing that was taken is lost, and it goes on when there is room."""

import os
import smtplib
import subprocess

import pytest

from harness import mail
from harness.instance import Instance, wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")

ALICE, STRANGER = "alice@example.org", "stranger@remote.example"
SIZE = 24 << 20


@pytest.fixture
def small(place, request):
    """An instance whose spool is a file system of 24 MiB, with a file in it that can make room; the parameter is min_free."""
    min_free = getattr(request, "param", "0B")
    veredus = Instance(place / "v", users=["alice"], settings={"queue": {"paused": True, "min_free": min_free}})
    spool = veredus.directory / "spool"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", spool], check=True)
    try:
        (spool / "ballast").write_bytes(bytes(8 << 20))
        with veredus:
            yield veredus
    finally:
        subprocess.run(["umount", spool], check=True)


def offer(veredus, size):
    """The reply to a message of so many bytes."""
    raw = mail.message(STRANGER, ALICE, body=("x" * 70 + "\r\n") * (size // 72))
    try:
        mail.send(veredus, STRANGER, ALICE, raw)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as refused:
        return refused.smtp_code, refused.smtp_error.decode()
    return 250, ""


@pytest.mark.parametrize("small", ["12MiB"], indirect=True)
def test_mail_is_refused_before_the_disk_is_full(small):
    taken = 0
    while (reply := offer(small, 600 << 10))[0] == 250:
        taken += 1
        assert taken * 600 << 10 < 2 * SIZE, "there should be less than 12 MiB left"
        if taken == 8:  # looked at each second
            wait_until(lambda: not small.status()["disk"]["room"])
    assert 6 <= taken <= 8 and reply[0] == 452 and reply[1].startswith("4.3.1 "), reply
    with smtplib.SMTP(small.host, small.ports["smtp"], local_hostname="client.example", timeout=60) as client:
        client.ehlo()
        code, text = client.mail(STRANGER)
        assert code == 452 and text.startswith(b"4.3.1 "), "before the message is sent"
    assert "less than queue.min_free" in small.veredus("status").stdout
    assert "less than queue.min_free" in small.veredus("check", check=False).stdout
    small.log.wait_for(r"error: .*less than queue\.min_free \(12MiB\)")

    small.configure({"queue": {"paused": False}})  # what is here goes on
    small.reload()
    small.wait_delivered(ALICE, taken)
    (small.directory / "spool" / "ballast").unlink()
    wait_until(lambda: small.status()["disk"]["room"])
    assert offer(small, 600 << 10)[0] == 250
    assert "queue.min_free" not in small.veredus("status").stdout


@pytest.mark.parametrize("size", [20 << 10, 600 << 10])  # in segments, and in files of their own
def test_a_full_disk_is_told_and_recovers_by_itself(small, size):
    taken = 0
    while (reply := offer(small, size))[0] == 250:
        taken += 1
        assert taken * size < 2 * SIZE, "the disk should be full"
    assert reply[0] == 452 and reply[1].startswith("4.3.1 "), reply
    assert offer(small, size)[0] == 452
    assert small.status()["queue"]["messages"] == taken

    (small.directory / "spool" / "ballast").unlink()
    wait_until(lambda: offer(small, size)[0] == 250)
    assert small.status()["queue"]["messages"] == taken + 1
    small.stop()
    small.start()
    assert small.status()["queue"]["messages"] == taken + 1
    small.configure({"queue": {"paused": False}})
    small.reload()
    small.wait_delivered(ALICE, taken + 1)
    small.wait_until_empty()


def test_deleting_makes_room(small):
    size = 600 << 10
    while offer(small, size)[0] == 250:
        pass
    small.veredus("queue", "delete", "all", "--yes")
    wait_until(lambda: offer(small, size)[0] == 250)
    assert small.status()["queue"]["messages"] == 1
