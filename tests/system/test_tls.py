"""TLS on every port that offers it, checked against the instance's authority; what must not work."""

import imaplib
import poplib
import smtplib
import socket
import ssl
import warnings

import pytest

from harness.instance import PASSWORD

ALICE = "alice@example.org"


@pytest.fixture
def veredus(host):
    return host(users=["alice"])


def handshake(veredus, port, context, before=()):
    """Connects, says what leads to TLS, and shakes hands; the TLS version and the certificate's names."""
    connection = veredus.connect(port)
    stream = connection.makefile("rb")
    for say in before:
        line = stream.readline()
        while line[3:4] == b"-":
            line = stream.readline()
        connection.sendall(say.encode() + b"\r\n")
    if before:
        line = stream.readline()
        assert line.startswith((b"220 ", b"+OK", b"a OK")), line
    with context.wrap_socket(connection, server_hostname=veredus.hostname) as secured:
        return secured.version(), [name for kind, name in secured.getpeercert()["subjectAltName"] if kind == "DNS"]


WAYS = [("smtp", ("EHLO x", "STARTTLS")), ("submission", ("EHLO x", "STARTTLS")), ("submissions", ()), ("pop3", ("STLS", )), ("pop3s", ()),
        ("imap", ("a STARTTLS", )), ("imaps", ())]


@pytest.mark.parametrize("port,before", WAYS)
def test_certificate_and_versions(veredus, port, before):
    version, names = handshake(veredus, port, veredus.tls(), before)
    assert version == "TLSv1.3" and veredus.hostname in names
    older = veredus.tls()
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(veredus, port, older, before)[0] == "TLSv1.2"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(veredus, port, ssl.create_default_context(), before)
    oldest = veredus.tls()
    warnings.simplefilter("ignore", DeprecationWarning)  # of the versions, which is the point
    oldest.minimum_version, oldest.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    oldest.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        handshake(veredus, port, oldest, before)


@pytest.mark.parametrize("port,before,injected", [
    ("smtp", "EHLO x\r\n", "STARTTLS\r\nRSET\r\n"), ("submission", "EHLO x\r\n", "STARTTLS\r\nNOOP\r\n"),
    ("pop3", "", "STLS\r\nCAPA\r\n"), ("imap", "", "a STARTTLS\r\nb NOOP\r\n")])
def test_what_was_injected_before_the_handshake_is_dropped(veredus, port, before, injected):
    """The plaintext command injection of 2011 (CVE-2011-0411): nothing said in the clear counts after the handshake."""
    connection = veredus.connect(port)
    stream = connection.makefile("rb")
    stream.readline()
    if before:
        connection.sendall(before.encode())
        while stream.readline()[3:4] == b"-":
            pass
    connection.sendall(injected.encode())
    assert stream.readline().startswith((b"220 ", b"+OK", b"a OK"))
    with veredus.tls().wrap_socket(connection, server_hostname=veredus.hostname) as secured:
        secured.sendall(b"c NOOP\r\n" if port == "imap" else b"QUIT\r\n")
        answer = secured.recv(4096)
        assert answer.startswith({"smtp": b"221", "submission": b"221", "pop3": b"+OK", "imap": b"c OK"}[port]), answer


def test_a_broken_handshake_harms_nobody(veredus):
    for port in ("submissions", "pop3s", "imaps"):
        for garbage in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 100, b""):
            with veredus.connect(port) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
    with veredus.tls().wrap_socket(veredus.connect("imaps"), server_hostname=veredus.hostname) as secured:
        assert secured.recv(100).startswith(b"* OK")


def test_reading_and_sending_under_tls(veredus):
    class Named(smtplib.SMTP):
        def starttls(self, **arguments):
            self._host = veredus.hostname
            return super().starttls(**arguments)

    with Named(veredus.host, veredus.ports["submission"]) as client:
        client.starttls(context=veredus.tls())
        client.login(ALICE, PASSWORD)
        client.sendmail(ALICE, [ALICE], b"Subject: secured\r\n\r\nhello\r\n")
    veredus.wait_delivered(ALICE)
    relaxed = veredus.tls()
    relaxed.check_hostname = False
    pop = poplib.POP3(veredus.host, veredus.ports["pop3"])
    pop.stls(context=relaxed)
    pop.user(ALICE)
    pop.pass_(PASSWORD)
    text = b"\r\n".join(pop.retr(1)[1])
    assert b"with ESMTPSA" in text and b"TLSv1.3" in text
    pop.quit()
    imap = imaplib.IMAP4(veredus.host, veredus.ports["imap"])
    imap.starttls(ssl_context=relaxed)
    imap.login(ALICE, PASSWORD)
    assert imap.select("INBOX")[1] == [b"1"]
    imap.logout()
