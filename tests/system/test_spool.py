"""veredus spool check and repair: what is wrong on disk is told, and mended without losing mail."""

import json
import subprocess

from harness import mail
from harness.log import PATIENCE

ALICE, BOB = "alice@example.org", "bob@example.org"
PAUSED = {"queue": {"paused": True}}


def send(veredus, count, body="x" * 70 + "\r\n"):
    for number in range(count):
        mail.send(veredus, "a@remote.example", ALICE, mail.message("a@remote.example", ALICE, subject=f"n{number}", body=body))


def segments(veredus):
    return sorted((veredus.directory / "spool" / "body").glob("*.segment"))


def flip(path, text):
    raw = bytearray(path.read_bytes())
    raw[raw.index(text)] ^= 1
    path.write_bytes(raw)


def check(veredus):
    done = veredus.veredus("spool", "check", "--json", check=False)
    report = json.loads(done.stdout)
    assert (done.returncode == 0) == report["ok"] == (not report["findings"])
    return report


def test_a_sound_spool_running_or_not(host):
    veredus = host(users=["alice"], settings=PAUSED)
    send(veredus, 3)
    assert veredus.veredus("spool", "check").stdout == "3 messages, all as they arrived\n"
    refused = veredus.veredus("spool", "repair", check=False)
    assert refused.returncode == 75 and "stop it" in refused.stderr
    veredus.stop()
    assert veredus.veredus("spool", "check").stdout == "3 messages, all as they arrived\n"
    assert veredus.veredus("spool", "repair").stdout == "nothing to repair\n"


def test_a_flipped_bit_is_told_while_mail_goes_on(host):
    veredus = host(users=["alice"], settings=PAUSED)
    send(veredus, 3)
    flip(segments(veredus)[0], b"Subject: n1")
    found = check(veredus)
    assert found["messages"] == 3 and len(found["findings"]) == 1
    assert "are not those that arrived" in found["findings"][0]
    veredus.stop()
    assert "is damaged" in veredus.veredus("spool", "repair").stdout
    veredus.start()
    assert [each["queue_name"] for each in veredus.queue()].count("hold") == 1
    veredus.configure({"queue": {"paused": False}})
    veredus.reload()
    veredus.wait_delivered(ALICE, 2)


def test_a_damaged_database_is_named_with_what_mends_it(host):
    veredus = host(users=["alice"], settings=PAUSED)
    send(veredus, 1)
    veredus.stop()
    with (veredus.directory / "spool" / "queue.db").open("r+b") as database:
        database.write(b"no database")
    failed = subprocess.run(veredus.command("run"), capture_output=True, text=True, timeout=2 * PATIENCE)
    assert failed.returncode != 0
    assert "the queue's database is damaged; stop the instance, then: veredus spool repair" in failed.stderr
    assert "queue.db: file is not a database" in failed.stderr
    checked = veredus.veredus("check", check=False)
    assert checked.returncode == 78
    assert "error: the queue's database is damaged: queue.db: file is not a database" in checked.stdout
    assert "mend: with the instance stopped: veredus spool repair" in checked.stdout
    veredus.veredus("spool", "repair")
    assert "queue" not in veredus.veredus("check").stdout
    veredus.start()
    assert veredus.veredus("spool", "check").stdout == "1 message, as it arrived\n"


def test_a_lost_database_loses_no_mail(host):
    """What stands in segments has its recipients beside it; of what has a file of its own nobody knows them."""
    veredus = host(users=["alice", "bob"], settings=PAUSED)
    veredus.veredus("alias", "add", "postmaster@example.org", BOB)
    send(veredus, 2)
    send(veredus, 1, body="a line of a long letter\r\n" * 20_000)
    veredus.stop()
    for part in veredus.directory.glob("spool/queue.db*"):
        part.unlink()
    assert "queue.db is gone" in check(veredus)["findings"][0]
    told = veredus.veredus("spool", "repair").stdout
    assert told.count("with its envelope; released, it goes to all its recipients") == 2
    assert told.count("nobody knows its recipients") == 1
    assert check(veredus)["ok"]
    veredus.configure({"queue": {"paused": False}})
    veredus.start()
    veredus.veredus("queue", "release", "all")
    veredus.wait_delivered(ALICE, 2)
    veredus.wait_delivered(BOB, 1)
    veredus.wait_until_empty()
