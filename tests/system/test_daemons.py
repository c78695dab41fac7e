"""What /proc says of the running daemons, and how they live and die."""

import json
import os
import pathlib
import re
import signal
import smtplib
import time

import pytest

from harness import mail
from harness.instance import PASSWORD, ROOT, wait_until

ALICE = "alice@example.org"
DAEMONS = {"smtpd", "submitd", "queued", "relayd", "deliverd", "mailboxd", "imapd", "pop3d", "accountd"}


@pytest.fixture
def veredus(host):
    return host(users=["alice"])


def proc_status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_every_daemon_is_there(veredus):
    status = veredus.status()
    assert status["ready"] is True
    names = [each["name"] for each in status["daemons"]]
    assert set(names[1:]) == DAEMONS
    for each in status["daemons"]:
        assert pathlib.Path(f"/proc/{each['pid']}").exists()
    ports = {port for each in status["daemons"] for port in each["ports"]}
    assert ports >= {veredus.ports[name] for name in ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")}


def test_every_daemon_is_locked_in(veredus):
    mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    veredus.wait_delivered(ALICE)
    pids = {each["name"]: each["pid"] for each in veredus.status()["daemons"][1:]}
    children = [pid for pid in veredus.processes() if proc_status(pid)["PPid"] == str(pids["mailboxd"])]
    assert children, "a process of alice's is there after the delivery"
    for name, pid in [*pids.items(), *(("mailboxd of a user", pid) for pid in children)]:
        status = proc_status(pid)
        assert status["Seccomp"] == "2", f"{name} runs without a seccomp filter"
        assert status["NoNewPrivs"] == "1", f"{name} could gain privileges"


def sockets_of_host():
    """Inode -> "TCP port", "TCP", "UDP" or "UNIX"."""
    kinds = {}
    for name, word, column in (("tcp", "TCP", 9), ("tcp6", "TCP", 9), ("udp", "UDP", 9), ("udp6", "UDP", 9), ("unix", "UNIX", 6)):
        for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            listening = word == "TCP" and fields[3] == "0A"
            kinds[fields[column]] = "TCP port" if listening else word
    return kinds


def described(pid, descriptor, directory, sockets):
    """A descriptor as docs/architecture.md names it."""
    try:
        target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        facts = pathlib.Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text()
    except FileNotFoundError:
        return None
    if found := re.fullmatch(r"socket:\[(\d+)\]", target):
        return sockets.get(found[1], "UNIX")
    for prefix, word in (("pipe:", "pipe"), ("anon_inode:[eventpoll]", "epoll"), ("anon_inode:[eventfd]", "eventfd"),
                         ("anon_inode:[signalfd]", "signalfd")):
        if target.startswith(prefix):
            return word
    target = target.removesuffix(" (deleted)")
    if target == str(directory):
        return "."
    opens_nothing = int(re.search(r"^flags:\s*([0-7]+)", facts, re.M)[1], 8) & os.O_PATH
    return ("times of " if opens_nothing else "") + target.removeprefix(f"{directory}/")


COMMON = ["/dev/null", "pipe", "epoll", "eventfd"]


def allowed_descriptors():
    """The table in docs/architecture.md: daemon -> patterns of what it may hold."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    table = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 2 and cells[0].strip("`") in DAEMONS | {"mailboxd, user"}:
            table[cells[0].strip("`")] = COMMON + re.findall(r"`([^`]+)`", cells[1])
    return table


def fits(held, patterns):
    """Of alice, the one user of the test."""
    named = [pattern.replace("DOMAIN", "example.org").replace("USER", "alice") for pattern in patterns]
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), held) for pattern in named)


def test_descriptors_are_those_of_the_table(veredus):
    mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    veredus.wait_delivered(ALICE)
    table = allowed_descriptors()
    assert set(table) == DAEMONS | {"mailboxd, user"}, "docs/architecture.md says what each daemon holds"
    pids = {each["name"]: each["pid"] for each in veredus.status()["daemons"][1:]}
    holders = dict(pids)
    for pid in veredus.processes():
        if proc_status(pid)["PPid"] == str(pids["mailboxd"]):
            holders["mailboxd, user"] = pid
    sockets = sockets_of_host()
    for name, pid in holders.items():
        held = {described(pid, entry, veredus.directory, sockets) for entry in os.listdir(f"/proc/{pid}/fd")} - {None}
        unknown = sorted(each for each in held if not fits(each, table[name]))
        assert not unknown, f"{name} holds {unknown}, the table allows {table[name]}"


def test_a_daemon_that_dies_comes_back(veredus):
    for name in sorted(DAEMONS):
        before = veredus.daemon(name)
        os.kill(before, signal.SIGKILL)

        def back():
            done = veredus.veredus("status", "--json", check=False)
            pids = {each["name"]: each["pid"] for each in json.loads(done.stdout)["daemons"]}
            return done.returncode == 0 and pids[name] != before

        wait_until(back, seconds=30)
        wait_until(lambda: works(veredus), seconds=30)


def works(veredus):
    """Whether a message goes in and comes out."""
    try:
        before = len(mail.mailbox(veredus, ALICE))
        mail.send(veredus, "a@remote.example", ALICE, mail.message(to=ALICE))
    except Exception:
        return False
    wait_until(lambda: count_or_none(veredus) == before + 1)
    return True


def count_or_none(veredus):
    try:
        return len(mail.mailbox(veredus, ALICE))
    except Exception:
        return None


def test_starting_is_quick_and_stopping_leaves_nothing(veredus):
    veredus.stop()
    started = time.monotonic()
    veredus.start()
    assert time.monotonic() - started < 3
    with mail.imap(veredus, ALICE) as client:
        client.select("INBOX")
        veredus.stop()  # with a session open; asserts that no process and no port is left
    veredus.start()


def test_configuration_errors_are_named(veredus):
    done = veredus.veredus("check")
    assert done.returncode == 0
    path = veredus.directory / "veredus.toml"
    good = path.read_text()
    path.write_text(good + "\n[queue]\nretry_frist = \"5m\"\n" if "[queue]" not in good else
                    good.replace("[queue]", "[queue]\nretry_frist = \"5m\""))
    done = veredus.veredus("check", check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 78 and "retry_frist" in said and "retry_first" in said
    assert re.search(r"veredus\.toml:\d+", said)
    # A reload with errors changes nothing.
    position = veredus.log.position()
    veredus.reload()
    veredus.log.wait_for("retry_frist", after=position)
    assert works(veredus)
    refused = veredus.veredus("reload", check=False)
    assert refused.returncode == 78 and "retry_first" in refused.stderr
    path.write_text(good)


def test_a_reload_is_answered_when_it_is_done(host):
    veredus = host(users=["alice"])
    assert veredus.veredus("reload").stdout == f"{veredus.directory}/veredus.toml: read again\n"
    address, waits = ["127.0.0.1"], "listen.address has changed, which holds from the next start on\n"
    before = veredus.directory.joinpath("veredus.toml").read_text()
    veredus.configure({"listen": {"address": address}, "queue": {"paused": True}})
    assert veredus.veredus("reload").stdout.endswith(waits)
    assert veredus.status()["at_next_start"] == ["listen.address"]
    assert "configuration: " + waits in veredus.veredus("status").stdout
    wait_until(lambda: veredus.status()["paused"])
    veredus.directory.joinpath("veredus.toml").write_text(before)
    veredus.veredus("reload")
    assert veredus.status()["at_next_start"] == []
    veredus.stop()
    done = veredus.veredus("reload", check=False)
    assert done.returncode == 69 and "not running" in done.stderr


@pytest.mark.parametrize("daemon,port", [("smtpd", "smtp"), ("submitd", "submission")])
def test_a_message_on_its_way_is_answered_when_its_daemon_ends(veredus, daemon, port):
    """In the midst of DATA it may be finished; between commands there is 421."""
    between = veredus.connect(port)
    assert between.recv(1000).startswith(b"220 ")
    with smtplib.SMTP("127.0.0.1", veredus.ports[port]) as client:
        client.ehlo()
        if port == "submission":
            client.starttls(context=veredus.tls())
            client.login(ALICE, PASSWORD)
        client.mail(ALICE if port == "submission" else "stranger@remote.example")
        client.rcpt(ALICE)
        client.docmd("DATA")
        client.send("Subject: half\r\n\r\nfirst half, ")
        position = veredus.log.position()
        os.kill(veredus.daemon(daemon), signal.SIGTERM)
        assert between.recv(1000).startswith(b"421 ")
        client.send("second half\r\n.\r\n")
        assert client.getreply()[0] == 250
        assert client.getreply()[0] == 421
    veredus.log.wait_for(f"{daemon} serves again", after=position)
    veredus.wait_delivered(ALICE)
