"""Two hosts in network namespaces with a real DNS server: mail goes both ways, the first MX being down."""

import pytest

from harness import mail, netns
from harness.dns import DnsServer
from harness.instance import PASSWORD
from harness.netns import Network

pytestmark = pytest.mark.skipif(not netns.available(), reason="this kernel gives us no network namespaces")

DNS, A, B = "10.11.0.53", "10.11.0.1", "10.11.0.2"
DOWN = "10.11.0.9"  # nobody has this address


@pytest.fixture
def network():
    with Network({"dns": DNS, "a": A, "b": B}) as made:
        yield made


@pytest.fixture
def dns(network):
    with DnsServer(address=DNS, port=53, prefix=network.prefix("dns"), user="root",
                   mx={domain: [(10, f"mx1.{domain}"), (20, f"mx2.{domain}")] for domain in ("a.example", "b.example")},
                   hosts={"mx1.a.example": DOWN, "mx2.a.example": A, "mx1.b.example": DOWN, "mx2.b.example": B}) as server:
        yield server


def test_mail_both_ways(host, network, dns, place):
    hosts = {}
    for name, address in (("a", A), ("b", B)):
        hosts[name] = host(name, users=[f"user@{name}.example"], domains=[f"{name}.example"], hostname=f"mx2.{name}.example",
                           prefix=network.prefix(name), listen=[address, "127.0.0.1"], port_base=0,
                           settings={"dns": {"servers": [DNS]}, "queue": {"retry_first": "1s"}})
    for here, there in (("a", "b"), ("b", "a")):
        recipient = f"user@{there}.example"
        raw, digest = mail.big_message(10_000_000, sender=f"user@{here}.example", to=recipient, seed=ord(here))
        message = place / f"from-{here}"
        message.write_bytes(raw)
        submitted = network.run(here, "curl", "-sS", "--url", "smtp://127.0.0.1:587", "--ssl-reqd", "--insecure",
                                "--user", f"user@{here}.example:{PASSWORD}", "--mail-from", f"user@{here}.example",
                                "--mail-rcpt", recipient, "--upload-file", str(message))
        assert submitted.returncode == 0, submitted.stderr
        hosts[here].log.wait_for(rf"to=<{recipient}>, relay=mx2\.{there}\.example\[[0-9.]+\]:25, .*status=sent", seconds=60)
        hosts[there].wait_delivered(recipient, seconds=60)
        fetched = network.run(there, "curl", "-sS", "pop3://127.0.0.1:110/1", "--user", f"{recipient}:{PASSWORD}")
        assert fetched.returncode == 0, fetched.stderr
        assert mail.attachment_digest(fetched.stdout) == digest
        # It went under TLS, which both offer.
        assert b"with ESMTPS" in fetched.stdout[:4000]


def test_plaintext_logins_from_elsewhere_need_tls(host, network, place):
    host("a", users=["user@a.example"], domains=["a.example"], prefix=network.prefix("a"), listen=[A, "127.0.0.1"], port_base=0)

    def talk(port, *lines):
        script = "".join(line + "\r\n" for line in lines)
        return network.run("b", "nc", "-N", "-w", "5", A, str(port), input=script.encode()).stdout.decode()

    assert "-ERR [SYS/PERM]" in talk(110, "USER user", "QUIT")
    assert "\r\nUSER\r\n" not in talk(110, "CAPA", "QUIT")
    imap = talk(143, "a1 LOGIN user@a.example secret", "a2 CAPABILITY", "a3 LOGOUT")
    assert "a1 NO [PRIVACYREQUIRED]" in imap and "LOGINDISABLED" in imap
    submission = talk(587, "EHLO b", "AUTH PLAIN AHVzZXIAc2VjcmV0", "QUIT")
    assert "538 5.7.11" in submission and "\r\n250-AUTH" not in submission and "\r\n250 AUTH" not in submission
    # Under TLS it is taken.
    for scheme, port in (("pop3s", 995), ("imaps", 993)):
        done = network.run("b", "curl", "-sS", f"{scheme}://{A}:{port}/", "--insecure", "--user", f"user@a.example:{PASSWORD}")
        assert done.returncode == 0, done.stderr
