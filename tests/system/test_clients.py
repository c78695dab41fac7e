"""The mail clients of Debian, each sending and reading."""

import imaplib
import poplib
import shutil
import smtplib
import subprocess

import pytest

from harness import mail
from harness.instance import PASSWORD
from harness.log import PATIENCE

ALICE, BOB = "alice@example.org", "bob@example.org"


def run(*command, environment=None, **options):
    """A client's run; it must end well."""
    assert shutil.which(command[0]), f"{command[0]} is not installed; ./dev test installs it"
    done = subprocess.run([str(each) for each in command], capture_output=True, timeout=4 * PATIENCE, env=environment, **options)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{said}"
    return said


@pytest.fixture
def veredus(host):
    return host(users=["alice", "bob"])


def test_curl(veredus, place):
    message = place / "message"
    message.write_bytes(mail.message(ALICE, BOB, subject="by curl"))
    run("curl", "--silent", "--show-error", "--url", f"smtp://mx.example.org:{veredus.ports['submission']}", "--ssl-reqd",
        "--cacert", veredus.ca_file, "--connect-to", f"::{veredus.host}:", "--user", f"{ALICE}:{PASSWORD}",
        "--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", message)
    veredus.wait_delivered(BOB)
    assert "1 " in run("curl", "-sS", f"pop3://{veredus.host}:{veredus.ports['pop3']}/", "--user", f"{BOB}:{PASSWORD}")
    for scheme in ("pop3", "imap"):
        path = "1" if scheme == "pop3" else "INBOX;MAILINDEX=1"
        plain = run("curl", "-sS", f"{scheme}://{veredus.host}:{veredus.ports[scheme]}/{path}", "--user", f"{BOB}:{PASSWORD}")
        assert "Subject: by curl" in plain
        secured = run("curl", "-sS", f"{scheme}s://mx.example.org:{veredus.ports[scheme + 's']}/{path}", "--cacert", veredus.ca_file,
                      "--connect-to", f"::{veredus.host}:", "--user", f"{BOB}:{PASSWORD}")
        assert "Subject: by curl" in secured


@pytest.mark.parametrize("how", ["smtp", "submission", "submissions"])
def test_swaks(veredus, how):
    extra = {"smtp": ["--from", "stranger@remote.example"],
             "submission": ["--tls", "--from", ALICE, "--auth", "PLAIN", "--auth-user", ALICE, "--auth-password", PASSWORD],
             "submissions": ["--tlsc", "--from", ALICE, "--auth", "LOGIN", "--auth-user", ALICE, "--auth-password", PASSWORD]}[how]
    run("swaks", "--server", veredus.host, "--port", veredus.ports[how], "--to", BOB, "--header", f"Subject: swaks {how}", *extra)
    veredus.wait_delivered(BOB)
    assert f"Subject: swaks {how}".encode() in mail.mailbox(veredus, BOB)[0]


@pytest.mark.parametrize("port,starttls", [("submission", "on"), ("submissions", "off")])
def test_msmtp(veredus, place, port, starttls):
    settings = place / "msmtprc"
    settings.write_text(f"account default\nhost localhost\nport {veredus.ports[port]}\nfrom {ALICE}\nauth on\nuser {ALICE}\n"
                        f"password {PASSWORD}\ntls on\ntls_starttls {starttls}\ntls_trust_file {veredus.ca_file}\n"
                        f"tls_host_override mx.example.org\n")
    settings.chmod(0o600)
    run("msmtp", "-C", settings, BOB, input=mail.message(ALICE, BOB, subject="by msmtp").replace(b"\r\n", b"\n"))
    veredus.wait_delivered(BOB)
    assert b"Subject: by msmtp" in mail.mailbox(veredus, BOB)[0]


def test_mutt(veredus, place):
    settings = place / "muttrc"
    settings.write_text(f"""
set smtp_url = "smtp://{ALICE}@localhost:{veredus.ports['submission']}/"
set smtp_pass = "{PASSWORD}"
set imap_user = "{BOB}"
set imap_pass = "{PASSWORD}"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_verify_host = no
set certificate_file = "{veredus.ca_file}"
set from = "{ALICE}"
set realname = "Alice"
set use_envelope_from = yes
set copy = no
set record = ""
set header_cache = ""
set quit = yes
""")
    environment = {"HOME": str(place), "TERM": "vt100", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    run("mutt", "-n", "-F", settings, "-s", "by mutt", "-a", "/etc/debian_version", "--", BOB, input=b"Good evening.\n",
        environment=environment)
    veredus.wait_delivered(BOB)
    mbox = place / "mbox"
    # Reads the INBOX, saves all messages to a file and quits; keys as one would type them.
    (place / "keys").write_text(f"push '<tag-pattern>~A<enter><tag-prefix><copy-message>{mbox}<enter>y<quit>'\n")
    run("script", "--quiet", "--return", "--command",
        f"mutt -n -F {settings} -e 'source {place}/keys' -f imap://{BOB}@localhost:{veredus.ports['imap']}/INBOX", "/dev/null",
        environment=environment, stdin=subprocess.DEVNULL)
    saved = mbox.read_text()
    assert "Subject: by mutt" in saved and "Good evening." in saved


@pytest.mark.parametrize("protocol", ["POP3", "IMAP"])
def test_fetchmail(veredus, place, protocol):
    for number in (1, 2):
        mail.send(veredus, "a@remote.example", BOB, mail.message(to=BOB, subject=f"fetched {number}"))
    veredus.wait_delivered(BOB, 2)
    mbox = place / "mbox"
    settings = place / "fetchmailrc"
    settings.write_text(f"poll mx.example.org via localhost protocol {protocol} port {veredus.ports[protocol.lower()]}\n"
                        f'  user "{BOB}" password "{PASSWORD}" sslproto tls1.2+ sslcertck sslcertfile {veredus.ca_file}\n'
                        f'  sslcommonname mx.example.org mda "cat >>{mbox}" no keep\n')
    settings.chmod(0o600)
    run("fetchmail", "-f", settings, "--nosyslog", "--nodetach", "--pidfile", place / "pid", "-i", place / "ids",
        environment={"HOME": str(place), "PATH": "/usr/bin:/bin", "USER": "tester", "LOGNAME": "tester"})
    assert mbox.read_text().count("Subject: fetched") == 2
    assert mail.mailbox(veredus, BOB) == []


def test_python(veredus):
    raw = mail.message(ALICE, BOB, subject="by smtplib")
    with smtplib.SMTP(veredus.host, veredus.ports["submission"]) as client:
        client.ehlo()
        assert client.has_extn("starttls") and client.has_extn("pipelining") and client.has_extn("8bitmime")
        assert client.esmtp_features["size"] == str(50 << 20)
    with smtplib.SMTP_SSL("localhost", veredus.ports["submissions"], context=unchecked_name(veredus)) as client:
        client.login(ALICE, PASSWORD)
        assert client.sendmail(ALICE, [BOB], raw) == {}
    veredus.wait_delivered(BOB)

    with mail.pop3(veredus, BOB) as client:
        assert client.stat()[0] == 1
        assert b"Subject: by smtplib" in client.top(1, 0)[1]
        assert client.uidl()[1][0].startswith(b"1 ")
        assert client.capa()["PIPELINING"] == []
    secured = poplib.POP3_SSL("localhost", veredus.ports["pop3s"], context=unchecked_name(veredus))
    secured.user(BOB)
    secured.pass_(PASSWORD)
    assert b"Subject: by smtplib" in secured.retr(1)[1]
    secured.quit()

    with mail.imap(veredus, BOB) as client:
        assert client.select("INBOX") == ("OK", [b"1"])
        assert client.search(None, "SUBJECT", "smtplib")[1] == [b"1"]
        text = client.fetch("1", "(RFC822)")[1][0][1]
        assert raw.split(b"\r\n\r\n")[1] in text
    with imaplib.IMAP4_SSL("localhost", veredus.ports["imaps"], ssl_context=unchecked_name(veredus)) as client:
        client.login(BOB, PASSWORD)
        assert client.select("INBOX", readonly=True)[0] == "OK"
        assert b"\\Seen" in client.fetch("1", "(FLAGS)")[1][0]


def unchecked_name(veredus):
    """Trusts the instance's authority; the name is checked by the tests of TLS."""
    context = veredus.tls()
    context.check_hostname = False
    return context
