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
def small(place):
    """An instance whose spool is a file system of 24 MiB, with a file in it that can make room."""
    veredus = Instance(place / "v", users=["alice"], settings={"queue": {"paused": True}})
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
    except smtplib.SMTPDataError as refused:
        return refused.smtp_code, refused.smtp_error.decode()
    return 250, ""


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
