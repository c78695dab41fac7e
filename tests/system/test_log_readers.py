"""Programs from Debian that read mail logs read ours: fail2ban, logwatch. (pflogsumm and check_mailq: test_queue_tools.)"""

import json
import os
import pathlib
import re
import shutil
import smtplib
import subprocess

import pytest

from harness import mail
from harness.log import PATIENCE
from harness.remote import RemoteHost

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALICE = "alice@example.org"


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


def guess_wrong(veredus):
    """A wrong password at each door (by smtplib twice, with another mechanism), and a recipient who is not there."""
    with smtplib.SMTP("127.0.0.1", veredus.ports["submission"]) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(ALICE, "wrong")
    for way in (mail.imap, mail.pop3):
        with pytest.raises(Exception), way(veredus, ALICE, password="wrong"):
            pass
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail.send(veredus, "stranger@remote.example", "nobody@example.org", mail.message())


def written_log(veredus, place):
    log = place / "mail.log"
    log.write_text(veredus.log.text() + "\n")
    return log


@pytest.mark.parametrize("mode,matched", [("normal", 4), ("aggressive", 5)])
def test_fail2ban_finds_who_guesses_passwords(host, place, mode, matched):
    veredus = host(users=["alice"], settings={"accounts": {"failure_delay": "0s"}})
    mail.send(veredus, "stranger@remote.example", ALICE, mail.message(to=ALICE))
    veredus.wait_delivered(ALICE)
    guess_wrong(veredus)
    veredus.log.wait_for("NOQUEUE: reject")
    filters = place / "filter.d"
    filters.mkdir()
    for file in ("/etc/fail2ban/filter.d/common.conf", ROOT / "etc/fail2ban/filter.d/veredus.conf"):
        shutil.copy(file, filters)
    done = subprocess.run(["fail2ban-regex", "--out", "ip", written_log(veredus, place), f"{filters}/veredus.conf[mode={mode}]"],
                          capture_output=True, text=True, timeout=3 * PATIENCE)
    assert done.stdout.split() == ["127.0.0.1"] * matched, done.stdout + done.stderr


def test_logwatch_counts_right(host, remote, place):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h"}, "accounts": {"failure_delay": "0s"}})
    remote.replies["RCPT"] = lambda line: "450 4.2.0 try later" if "later" in line else "250 2.1.5 ok"
    for recipient in ("one@peer.example", "two@peer.example", "later@peer.example", ALICE):
        mail.submit(veredus, ALICE, recipient, mail.message(ALICE, recipient))
    guess_wrong(veredus)
    veredus.log.wait_for("NOQUEUE: reject")
    veredus.wait_delivered(ALICE)
    remote.wait_messages(2)
    veredus.log.wait_for(r"to=<later@peer\.example>.*status=deferred")
    conf = (ROOT / "etc/logwatch/veredus.conf").read_text()
    settings = dict(re.findall(r'^\$(postfix_\w+) = "(.*)"$', conf, re.MULTILINE))
    removed = re.search(r'^\*Remove = "(.*)"$', conf, re.MULTILINE)[1]
    lines = [line for line in veredus.log.text().splitlines(keepends=True) if not re.search(removed, line)]
    done = subprocess.run(["sh", ROOT / "etc/logwatch/veredus"], input="".join(lines), capture_output=True, text=True,
                          env={**os.environ, **settings, "LOGWATCH_DETAIL_LEVEL": "10"}, timeout=3 * PATIENCE)
    totals = {name: int(number) for number, name in re.findall(r"^ +(\d+)   (\w[\w ]*?)  +", done.stdout, re.MULTILINE)}
    expected = {"Delivered": 3, "Deferred": 1, "Accepted": 4, "SASL authentication failed": 2, "5xx Reject unknown user": 1}
    assert {name: totals.get(name) for name in expected} == expected, done.stdout + done.stderr
    assert "Unmatched" not in done.stdout, done.stdout


def test_a_log_of_json_lines(host):
    veredus = host(users=["alice"], settings={"log": {"json": True}})
    mail.send(veredus, "stranger@remote.example", ALICE, mail.message(to=ALICE))
    veredus.log.wait_for('"status":"sent"')
    lines = [json.loads(line) for line in veredus.log.text().splitlines() if not line.startswith("veredus: ")]
    sent = next(line for line in lines if line.get("fields", {}).get("status") == "sent")
    assert sent["program"] == "veredus/deliverd" and sent["fields"]["to"] == ALICE and sent["fields"]["dsn"] == "2.0.0"
    assert {line["program"] for line in lines} >= {"veredus/smtpd", "veredus/queued", "veredus/deliverd"}
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:.]{15}Z", line["time"]) for line in lines)
