"""Messages to send, and how to get them back."""

import base64
import contextlib
import email
import email.policy
import hashlib
import imaplib
import itertools
import poplib
import random
import smtplib

from harness.instance import PASSWORD
from harness.log import PATIENCE

_number = itertools.count(1)


def message(sender="stranger@remote.example", to="alice@example.org", subject=None, body="Good morning.\r\n", headers=()):
    """A small message, CRLF line ends, bytes."""
    number = next(_number)
    lines = [f"From: <{sender}>", f"To: <{to}>", f"Subject: {subject or f'message {number}'}",
             "Date: Mon, 01 Jan 2024 10:00:00 +0000", f"Message-ID: <{number}.{random.getrandbits(64):x}@test.example>",
             *headers, "", body.rstrip("\r\n"), ""]
    return "\r\n".join(lines).encode()


def big_message(size, seed=0, **options):
    """A message with an attachment of `size` random bytes, and the attachment's SHA-256."""
    attachment = random.Random(seed).randbytes(size)
    text = base64.encodebytes(attachment).replace(b"\n", b"\r\n")
    head = message(body="", headers=["MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="=_cut"'], **options)
    parts = (b"--=_cut\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n"
             b"--=_cut\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
             b'Content-Disposition: attachment; filename="bytes"\r\n\r\n' + text + b"--=_cut--\r\n")
    return head + parts, hashlib.sha256(attachment).hexdigest()


def attachment_digest(raw):
    """The SHA-256 of the first attachment."""
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    return hashlib.sha256(next(parsed.iter_attachments()).get_payload(decode=True)).hexdigest()


def send(veredus, sender, recipients, raw, port="smtp"):
    """Over SMTP as another host does; smtplib's exceptions on refusal."""
    with smtplib.SMTP(veredus.host, veredus.ports[port], local_hostname="client.example", timeout=2 * PATIENCE) as client:
        return client.sendmail(sender, [recipients] if isinstance(recipients, str) else recipients, raw)


def submit(veredus, user, recipients, raw, sender=None, password=PASSWORD):
    """Through the submission port with STARTTLS, logged in as `user`."""
    with smtplib.SMTP(veredus.host, veredus.ports["submission"], timeout=2 * PATIENCE) as client:
        client._host = veredus.hostname  # the name that the certificate must bear
        client.starttls(context=veredus.tls())
        client.login(user, password)
        return client.sendmail(sender or user, [recipients] if isinstance(recipients, str) else recipients, raw)


@contextlib.contextmanager
def pop3(veredus, user, password=PASSWORD):
    client = poplib.POP3(veredus.host, veredus.ports["pop3"], timeout=2 * PATIENCE)
    try:
        client.user(user)
        client.pass_(password)
        yield client
    finally:
        with contextlib.suppress(OSError, poplib.error_proto):
            client.quit()


@contextlib.contextmanager
def imap(veredus, user, password=PASSWORD):
    client = imaplib.IMAP4(veredus.host, veredus.ports["imap"], timeout=2 * PATIENCE)
    try:
        client.login(user, password)
        yield client
    finally:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.logout()


def mailbox(veredus, user, password=PASSWORD):
    """All messages of the INBOX in order, as bytes, over POP3."""
    # poplib refuses lines over 2048 bytes; a test may well send one.
    poplib._MAXLINE, before = 1 << 20, poplib._MAXLINE
    try:
        with pop3(veredus, user, password) as client:
            count, _ = client.stat()
            return [b"".join(line + b"\r\n" for line in client.retr(number)[1]) for number in range(1, count + 1)]
    finally:
        poplib._MAXLINE = before


def body_of(raw):
    """What stands after the header."""
    return raw.split(b"\r\n\r\n", 1)[1]
