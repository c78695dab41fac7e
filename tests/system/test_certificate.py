"""A renewed certificate serves new connections at once; a broken one is told of, and the old one stays."""

import re
import shutil
import subprocess

import pytest

from harness import certificates, mail
from harness.instance import wait_until

ALICE = "alice@example.org"
BEGIN_TLS = {"smtp": "smtp", "submission": "smtp", "submissions": "", "pop3": "pop3", "pop3s": "", "imap": "imap", "imaps": ""}


def shown(veredus, port):
    """The common name of the certificate that a client is shown."""
    way = ["-starttls", BEGIN_TLS[port]] if BEGIN_TLS[port] else []
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{veredus.ports[port]}", *way, "-brief"], input="",
                          capture_output=True, text=True, timeout=20)
    return next(line.rsplit("=", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("Peer certificate:"))


@pytest.fixture
def veredus(host, tmp_path):
    """With its certificate where certbot puts it: a link into a directory of all that there ever were."""
    archive = tmp_path / "archive"
    live = tmp_path / "live"
    archive.mkdir()
    live.mkdir()
    for name in ("first", "second", "third"):
        certificates.make(archive, name)
    certificates.link(archive / "first.pem", live / "fullchain.pem")
    certificates.link(archive / "first.key", live / "privkey.pem")
    tls = {"tls": {"certificate": str(live / "fullchain.pem"), "key": str(live / "privkey.pem")}}
    made = host(users=["alice"], settings=tls)
    made.live, made.archive = live, archive
    return made


def renew(veredus, name, key=None):
    position = veredus.log.position()
    certificates.link(veredus.archive / f"{name}.pem", veredus.live / "fullchain.pem")
    certificates.link(veredus.archive / f"{key or name}.key", veredus.live / "privkey.pem")
    return position


def test_a_renewed_certificate_serves_new_connections_and_sessions_go_on(veredus):
    with mail.imap(veredus, ALICE) as before:
        assert shown(veredus, "imaps") == "first"
        position = renew(veredus, "second")
        veredus.log.wait_for("a new certificate is in use; it is good until 20", after=position)
        assert {port: shown(veredus, port) for port in BEGIN_TLS} == dict.fromkeys(BEGIN_TLS, "second")
        assert before.select("INBOX")[0] == "OK"
    # Written over in its place.
    position = veredus.log.position()
    shutil.copy(veredus.archive / "third.key", veredus.archive / "second.key")
    shutil.copy(veredus.archive / "third.pem", veredus.archive / "second.pem")
    veredus.log.wait_for("a new certificate is in use", after=position)
    assert shown(veredus, "smtp") == "third"


def test_a_broken_one_is_told_of_and_the_old_one_stays(veredus):
    position = renew(veredus, "second", key="third")
    veredus.log.wait_for("it does not belong to its key; the certificate in use stays", after=position)
    assert shown(veredus, "submissions") == "first"
    done = veredus.veredus("certificate", "renew", check=False)
    assert done.returncode == 78 and "does not belong" in done.stderr
    (veredus.live / "fullchain.pem").unlink()
    assert "No such file" in veredus.veredus("certificate", check=False).stderr
    position = renew(veredus, "second")
    veredus.log.wait_for("a new certificate is in use", after=position)
    assert shown(veredus, "submissions") == "second"


def test_one_that_expires_soon_is_told_of(veredus):
    certificates.make(veredus.archive, "short", days=10)
    position = renew(veredus, "short")
    veredus.log.wait_for("a new certificate is in use", after=position)
    assert re.search(r"\((9|10) days\)", veredus.veredus("certificate").stdout)
    assert re.search("expires in (9|10) days", veredus.veredus("check").stdout)
    veredus.stop()
    veredus.start()
    veredus.log.wait_for("the certificate expires on 20.*, in (9|10) days")


def test_a_reload_takes_another_file(veredus):
    assert shown(veredus, "smtp") == "first"
    veredus.configure({"tls": {"certificate": str(veredus.archive / "third.pem"), "key": str(veredus.archive / "third.key")}})
    position = veredus.log.position()
    veredus.reload()
    veredus.log.wait_for("a new certificate is in use", after=position)
    wait_until(lambda: shown(veredus, "smtp") == "third")
