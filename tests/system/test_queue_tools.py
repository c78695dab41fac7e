"""What an administrator does with the queue: filters, verbs, shape, top; and the programs of others that read it."""

import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness import mail
from harness.instance import program, wait_until
from harness.log import PATIENCE
from harness.remote import RemoteHost

ALICE, BOB = "alice@example.org", "bob@example.org"
CHECK_MAILQ = "/usr/lib/nagios/plugins/check_mailq"


@pytest.fixture
def remote():
    with RemoteHost() as server:
        yield server


@pytest.fixture
def kept(host):
    """An instance that keeps three messages: alice's to a.example and b.example, and a large one of bob's to b.example."""
    veredus = host(users=["alice", "bob"], settings={"queue": {"paused": True}})
    mail.submit(veredus, ALICE, "x@a.example", mail.message(ALICE, "x@a.example"))
    mail.submit(veredus, ALICE, "y@b.example", mail.message(ALICE, "y@b.example"))
    mail.submit(veredus, BOB, "z@b.example", mail.message(BOB, "z@b.example", body="long\r\n" * 1000))
    return veredus


def recipients(messages):
    return sorted(recipient["address"] for message in messages for recipient in message["recipients"])


def listed(veredus, *words):
    lines = veredus.veredus("queue", "list", "--json", *words).stdout.splitlines()
    return recipients(map(json.loads, lines))


def act(veredus, *words, check=True):
    return json.loads(veredus.veredus("queue", *words, "--json", check=check).stdout)


def mailq(veredus):
    """mailq as a user of this host calls it."""
    done = subprocess.run([program("sendmail"), "-C", str(veredus.directory), "-bp"], capture_output=True, text=True, timeout=3 * PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Terminal:
    """A command on a terminal of its own; what it prints can be waited for, and keys typed."""

    def __init__(self, command):
        self.leader, self.master = pty.fork()
        if self.leader == 0:
            self.lead(command)
        self.seen = ""

    @staticmethod
    def lead(command):
        """Stays when the command has ended: with its session's leader the kernel drops what was not read yet."""
        command_pid = os.fork()
        if command_pid == 0:
            os.execv(command[0], command)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _, status = os.waitpid(command_pid, 0)
        os.write(1, b"\0ended with %d\n" % os.waitstatus_to_exitcode(status))
        while True:
            signal.pause()

    def expect(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"never saw {pattern!r} in {self.seen!r}"
            try:
                piece = os.read(self.master, 4096)
            except OSError:  # the other end is closed
                piece = b""
            assert piece, f"ended without {pattern!r}: {self.seen!r}"
            self.seen += piece.decode("utf-8", "replace")

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Its exit code, once all it printed was read."""
        self.expect(r"\x00ended with -?\d+\r\n")
        self.seen, code = re.fullmatch(r"([\s\S]*)\x00ended with (-?\d+)\r\n", self.seen).groups()
        os.kill(self.leader, signal.SIGKILL)
        os.waitpid(self.leader, 0)
        os.close(self.master)
        return int(code)


# --- Filters and verbs

def test_filters(kept):
    assert listed(kept) == listed(kept, "all") == ["x@a.example", "y@b.example", "z@b.example"]
    assert listed(kept, f"from={BOB}") == ["z@b.example"]
    assert listed(kept, "from=alice", "domain=B.example") == ["y@b.example"]
    assert listed(kept, "to=@b.example", "smaller=4KiB") == ["y@b.example"]
    assert listed(kept, "larger=4KiB") == ["z@b.example"]
    assert listed(kept, f"user={ALICE}", "to=x@") == ["x@a.example"]
    assert listed(kept, "older=1h") == []
    assert listed(kept, "newer=1h", "state=queued", "attempts=0") == ["x@a.example", "y@b.example", "z@b.example"]
    assert listed(kept, "state=active") == listed(kept, "state=deferred") == listed(kept, "from=") == []
    one = kept.queue()[0]
    assert listed(kept, one["queue_id"]) == listed(kept, f"message-id={one['message_id']}") == ["x@a.example"]
    assert listed(kept, one["queue_id"], "domain=b.example") == []


def test_a_filter_that_is_misspelt_acts_on_nothing(kept):
    done = kept.veredus("queue", "delete", "form=alice", "--yes", check=False)
    assert done.returncode == 64 and "did you mean from=?" in done.stderr
    assert len(kept.queue()) == 3


def test_hold_release_retry(kept):
    assert act(kept, "hold", "domain=b.example", "--dry-run")["messages"] == 2
    assert listed(kept, "state=held") == []
    assert act(kept, "hold", "domain=b.example")["messages"] == 2
    assert listed(kept, "state=held") == ["y@b.example", "z@b.example"]
    assert act(kept, "hold", "all")["messages"] == 1, "the others are held already"
    assert kept.status()["queue"] | {"bytes": 0} == {"messages": 3, "bytes": 0, "active": 0, "deferred": 0, "held": 3}
    shown = kept.veredus("queue", "show", "to=x@a.example").stdout
    assert "the message is on hold (held by the administrator): nothing is tried until it is released" in shown
    assert act(kept, "release", "all")["messages"] == 3
    assert act(kept, "retry", "all")["messages"] == 0, "none was tried yet"
    assert listed(kept, "state=queued") == ["x@a.example", "y@b.example", "z@b.example"]


def test_what_is_for_good_by_a_filter_needs_a_yes(kept):
    refused = kept.veredus("queue", "delete", "domain=b.example", check=False)
    assert refused.returncode == 64 and "2 messages would be deleted for good; say --yes" in refused.stderr
    assert len(kept.queue()) == 3
    assert act(kept, "delete", "domain=b.example", "--yes")["messages"] == 2
    assert listed(kept) == ["x@a.example"]
    assert kept.status()["queue"]["messages"] == 1
    # An id says exactly what is meant.
    assert act(kept, "delete", kept.queue()[0]["queue_id"])["messages"] == 1
    assert mailq(kept) == "Mail queue is empty\n"
    gone = kept.veredus("queue", "delete", "6C3R1GR0Q9SZG", check=False)
    assert gone.returncode == 65


def test_on_a_terminal_it_asks(kept):
    command = kept.command("queue", "delete", "domain=b.example")
    terminal = Terminal(command)
    terminal.expect(r"y@b\.example[\s\S]*z@b\.example[\s\S]*delete 2 messages, for good\? \[y/N\] ")
    terminal.type("n\n")
    assert terminal.end() == 0 and "nothing was done" in terminal.seen
    assert len(kept.queue()) == 3
    terminal = Terminal(command)
    terminal.expect(r"\[y/N\] ")
    terminal.type("y\n")
    assert terminal.end() == 0 and "2 messages deleted" in terminal.seen
    assert listed(kept) == ["x@a.example"]


def test_bounce_by_filter_tells_each_sender(kept):
    assert act(kept, "bounce", "domain=b.example", "--yes")["messages"] == 2
    kept.configure({"queue": {"paused": False}})
    kept.reload()
    kept.wait_delivered(ALICE)
    kept.wait_delivered(BOB)
    for user, recipient in ((ALICE, b"y@b.example"), (BOB, b"z@b.example")):
        report = mail.mailbox(kept, user)[0]
        assert recipient in report and b"returned to the sender by the administrator" in report


def test_show_tells_what_was_said_and_why_it_waits(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h"}})
    remote.replies["RCPT"] = "450 4.2.0 the box of bob is full today"
    mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    veredus.log.wait_for(r"status=deferred")
    wait_until(lambda: listed(veredus, "state=deferred"))
    shown = json.loads(veredus.veredus("queue", "show", "--json", "reason=box of BOB").stdout)
    recipient = shown["recipients"][0]
    attempt = recipient["attempts"][0]
    assert (recipient["to"], recipient["state"], attempt["state"]) == ("bob@peer.example", "deferred", "deferred")
    assert attempt["reply"].endswith("450 4.2.0 the box of bob is full today")
    assert re.fullmatch(r"host \S+ said: 450 4.2.0 the box of bob is full today; the next attempt is in \d+ min", recipient["why"])
    text = veredus.veredus("queue", "show", shown["id"]).stdout
    assert attempt["reply"] in text and recipient["why"][:60] in text
    assert veredus.status()["queue"]["deferred"] == 1
    assert listed(veredus, "attempts=2") == []
    # Now, whatever the schedule says.
    remote.replies["RCPT"] = "250 2.1.5 ok"
    assert act(veredus, "retry", "state=deferred")["messages"] == 1
    remote.wait_messages()


def test_who_has_the_message_waits_for_nothing(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h"}})
    answers = {"there": "250 2.1.5 ok", "full": "452 4.2.2 full", "nobody": "550 5.1.1 no such user"}
    remote.replies["RCPT"] = list(answers.values())
    mail.submit(veredus, ALICE, [f"{name}@peer.example" for name in answers], mail.message(ALICE, "full@peer.example"))
    veredus.log.wait_for(r"status=deferred")
    wait_until(lambda: listed(veredus) == ["full@peer.example"])
    assert mailq(veredus).count("@peer.example") == 1
    its = "to=full@peer.example"  # its notification comes and goes meanwhile
    shown = json.loads(veredus.veredus("queue", "show", "--json", its).stdout)
    assert [(one["state"], "why" in one, "next_attempt" in one) for one in shown["recipients"]] == [
        ("relayed", False, False), ("deferred", True, True), ("failed", False, False)]
    text = veredus.veredus("queue", "show", its).stdout
    assert text.count("the next attempt") == text.count("next attempt at") == 1


@pytest.fixture
def silent():
    """A next hop that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:{}".format(server.getsockname()[1])


def test_while_others_are_tried_each_shows_what_became_of_him(host, remote, silent):
    routes = {"peer.example": remote.hop, "silent.example": silent}
    veredus = host(users=["alice"], settings={"routes": routes, "queue": {"retry_first": "1h"}})
    remote.replies["RCPT"] = ["550 5.1.1 no such user", "452 4.2.2 full"]
    recipients = ["nobody@peer.example", "full@peer.example", "carol@silent.example"]
    mail.submit(veredus, ALICE, recipients, mail.message(ALICE, "carol@silent.example"))
    veredus.log.wait_for(r"status=deferred")
    wait_until(lambda: listed(veredus) == ["carol@silent.example", "full@peer.example"])
    shown = json.loads(veredus.veredus("queue", "show", "--json", "all").stdout)
    assert [one["state"] for one in shown["recipients"]] == ["failed", "deferred", "ready"]
    failed, full, tried = shown["recipients"]
    assert failed["attempts"][0]["reply"].endswith("550 5.1.1 no such user") and "why" not in failed
    assert "the next attempt is in" in full["why"]
    assert tried["why"] == "it is being delivered right now"


def test_a_message_to_thousands_is_listed_whole(host):
    veredus = host(users=["alice"], settings={"queue": {"paused": True}})
    many = [f"recipient-number-{number}@peer.example" for number in range(950)]
    mail.submit(veredus, ALICE, many, mail.message(ALICE, many[0]))
    assert listed(veredus) == sorted(many)
    assert all(each in mailq(veredus) for each in (many[0], many[500], many[-1]))
    assert mailq(veredus).endswith(" Kbytes in 1 Request.\n")


def test_shape(kept):
    lines = kept.veredus("queue", "shape").stdout.splitlines()
    assert lines[0].split() == ["T", "5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"]
    assert [line.split()[:3] for line in lines[1:]] == [["TOTAL", "3", "3"], ["b.example", "2", "2"], ["a.example", "1", "1"]]
    senders = json.loads(kept.veredus("queue", "shape", "--sender", "--json").stdout)
    assert (senders["domain"], senders["total"], senders["5"], senders["1280+"]) == ("example.org", 3, 3, 0)


# --- top

def test_top_for_programs(host, remote):
    veredus = host(users=["alice"], settings={"routes": {"peer.example": remote.hop}, "queue": {"retry_first": "1h"}})
    remote.replies["RCPT"] = ["250 2.1.5 ok", "450 4.2.0 not now"]
    for _ in range(2):
        mail.submit(veredus, ALICE, "bob@peer.example", mail.message(ALICE, "bob@peer.example"))
    mail.submit(veredus, ALICE, ALICE, mail.message(ALICE, ALICE))
    veredus.wait_delivered(ALICE)
    veredus.log.wait_for(r"status=deferred")
    wait_until(lambda: listed(veredus, "state=deferred"))
    now = json.loads(veredus.veredus("top", "--once", "--json").stdout)
    assert now["since_start"] == {"accepted": 3, "delivered": 1, "relayed": 1, "deferred": 1, "failed": 0}
    assert now["queue"]["messages"] == 1 and now["queue"]["deferred"] == 1
    assert abs(now["oldest"] - time.time()) < 60
    assert set(now["per_second"]) == set(now["since_start"])
    # Nothing is due there, and what was last wrong is told.
    assert now["destinations"] == [{"name": remote.hop, "active": 0, "most": 0, "waiting": 0, "last_error": "450 4.2.0 not now"}]
    text = veredus.veredus("top", "--once").stdout
    assert "since start  accepted 3  delivered 1" in text and "450 4.2.0 not now" in text
    remote.replies["RCPT"] = "250 2.1.5 ok"
    act(veredus, "retry", "all")
    remote.wait_messages(2)
    wait_until(lambda: json.loads(veredus.veredus("top", "--once", "--json").stdout)["destinations"] == [])


def test_top_on_a_terminal_gives_it_back(host):
    veredus = host()
    for key in ("q", "\x03"):
        terminal = Terminal(veredus.command("top"))
        terminal.expect(r"\x1b\[\?1049h[\s\S]*per second[\s\S]*oldest       none[\s\S]*per second")
        terminal.type(key)
        assert terminal.end() == 0
        assert terminal.seen.endswith("\x1b[?25h\x1b[?1049l")
    refused = veredus.veredus("top", check=False)
    assert refused.returncode == 64 and "--once" in refused.stderr


# --- The programs of others, unchanged

def test_mailq_while_queued_is_away(kept):
    os.kill(kept.daemon("queued"), 9)
    wait_until(lambda: mailq(kept).endswith(" Kbytes in 3 Requests.\n"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount namespace in which /usr/sbin/sendmail is ours")
def test_check_mailq_of_the_monitoring_plugins(host):
    veredus = host(users=["alice"], settings={"queue": {"paused": True}})

    def check(warning, critical):
        plugin = [CHECK_MAILQ, "-M", "postfix", "-w", str(warning), "-c", str(critical)]
        script = f"mount --bind {shlex.quote(program('sendmail'))} /usr/sbin/sendmail && exec {shlex.join(plugin)}"
        environment = os.environ | {"VEREDUS_SUBMISSION": str(veredus.directory / "run" / "submission")}
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, env=environment,
                              timeout=3 * PATIENCE)
        return done.returncode, done.stdout

    code, text = check(1, 5)
    assert code == 0 and text.startswith("OK: postfix mailq reports queue is empty")
    for _ in range(3):
        mail.submit(veredus, ALICE, "x@a.example", mail.message(ALICE, "x@a.example"))
    code, text = check(4, 5)
    assert code == 0 and text.startswith("OK: postfix mailq (3) is below threshold (4/5)")
    code, text = check(3, 5)
    assert code == 1 and text.startswith("WARNING: postfix mailq is 3")
    code, text = check(1, 2)
    assert code == 2 and text.startswith("CRITICAL: postfix mailq is 3")


def test_pflogsumm_counts_right(host, remote, place):
    veredus = host(users=["alice"], settings={"routes": {"*": remote.hop}, "queue": {"retry_first": "1h"}})
    remote.replies["RCPT"] = lambda line: ("450 4.2.0 try later" if "later" in line else
                                           "550 5.1.1 nobody of that name" if "nobody" in line else "250 2.1.5 ok")
    sizes = 0
    for recipient in ("one@peer.example", "two@peer.example", "later@peer.example", "nobody@peer.example"):
        raw = mail.message(ALICE, recipient)
        mail.submit(veredus, ALICE, recipient, raw)
        sizes += len(raw)
    for _ in range(3):
        mail.send(veredus, "stranger@remote.example", ALICE, mail.message(to=ALICE))
    with pytest.raises(Exception):
        mail.send(veredus, "stranger@remote.example", "nobody@example.org", mail.message())
    veredus.wait_delivered(ALICE, 4)  # three messages and the bounce
    remote.wait_messages(2)
    veredus.log.wait_for(r"to=<two@peer\.example>.*status=sent")
    veredus.log.wait_for(r"to=<later@peer\.example>.*status=deferred")

    log = place / "mail.log"
    log.write_text(veredus.log.text() + "\n")
    assert shutil.which("pflogsumm"), "the package pflogsumm is missing; ./dev test installs it"
    report = subprocess.run(["pflogsumm", "--syslog-name=veredus", str(log)], capture_output=True, text=True, timeout=3 * PATIENCE)
    assert report.returncode == 0, report.stderr
    totals = dict((name, int(number)) for number, name in re.findall(r"^ +(\d+)k? +(\w[\w ]*?)(?: \(\d+%\))?(?:  \(.*\))?$",
                                                                 report.stdout.split("Per-Day")[0].split("Per-Hour")[0], re.MULTILINE))
    expected = {"received": 7, "delivered": 6, "forwarded": 0, "deferred": 1, "bounced": 1, "rejected": 1}
    assert {name: totals.get(name) for name in expected} == expected, report.stdout
    assert re.search(r"^ +4 .* alice@example\.org$", section(report.stdout, "Recipients by message count"), re.MULTILINE), report.stdout
    assert "4.2.0 try later" in section(report.stdout, "message deferral detail"), report.stdout
    assert "5.1.1 nobody of that name" in section(report.stdout, "message bounce detail"), report.stdout
    assert "Recipient address rejected: User unknown (total: 1)" in section(report.stdout, "message reject detail"), report.stdout


def section(report, title):
    """The lines below a heading of pflogsumm's, up to the next."""
    return re.search(rf"^{title}.*?\n-+\n(.*?)(?=\n\S[^\n]*\n-+\n|\Z)", report, re.MULTILINE | re.DOTALL)[1]
