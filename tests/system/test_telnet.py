"""The sessions of the three protocols, typed into Debian's telnet, to the letter."""

import shutil
import subprocess

import pytest

from harness import mail
from harness.log import PATIENCE

ALICE = "alice@example.org"


def telnet(veredus, port, *exchanges):
    """Types each line when what is expected before it has come; returns all that was on the screen."""
    script = f"set timeout {int(2 * PATIENCE)}\nlog_user 1\nspawn telnet {veredus.host} {veredus.ports[port]}\n"
    for expected, typed in exchanges:
        script += f"expect -re {{{expected}}} {{}} timeout {{ puts missing; exit 1 }} eof {{ puts closed; exit 1 }}\n"
        script += f"send -- {{{typed}}}\nsend \"\\r\"\n"
    script += "expect eof\n"
    done = subprocess.run(["expect", "-"], input=script, capture_output=True, text=True, timeout=6 * PATIENCE)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def veredus(host):
    assert shutil.which("telnet") and shutil.which("expect"), "./dev test installs them"
    return host(users=["alice"])


def test_a_message_in_and_out_by_hand(veredus):
    telnet(veredus, "smtp", ("220 ", "helo telnet"), ("250 ", "mail from: <a@b.example>"), ("250 ", f"rcpt to: <{ALICE}>"), ("250 ", "data"),
           ("354 ", "Subject: by telnet"), ("", ""), ("", "Good morning."), ("", "."), ("250 ", "quit"), )
    veredus.wait_delivered(ALICE)

    screen = telnet(veredus, "imap", (r"\* OK ", f"m1 LOGIN {ALICE} secret"), ("m1 OK", 'm2 LIST "" "*"'), ("m2 OK", "m3 EXAMINE INBOX"), ("m3 OK", "m4 LOGOUT"))
    assert '"INBOX"' in screen or " INBOX" in screen
    assert "* 1 EXISTS" in screen and "* BYE" in screen and "m4 OK" in screen

    screen = telnet(veredus, "pop3", (r"\+OK ", f"USER {ALICE}"), (r"\+OK ", "PASS secret"), (r"\+OK ", "STAT"), (r"\+OK 1 \d+", "LIST"), (r"\.\r\n", "RETR 1"),
                    (r"Good morning\.\r\n\.\r\n", "DELE 1"), (r"\+OK ", "QUIT"))
    assert "Subject: by telnet" in screen
    assert mail.mailbox(veredus, ALICE) == []
