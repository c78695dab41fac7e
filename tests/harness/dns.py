"""A real DNS server (dnsmasq of Debian) with the records of a test."""

import contextlib
import shutil
import socket
import subprocess

from harness.log import PATIENCE, Log
from harness.ports import is_free

DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin") or "/usr/sbin/dnsmasq"


class DnsServer:
    """with DnsServer(mx={"b.example": [(10, "mx1.b.example")]}, hosts={"mx1.b.example": "127.0.0.2"}) as dns: …

    Everything else does not exist (NXDOMAIN). `dns.server` is what [dns] servers takes. `prefix` as in Instance.
    """

    def __init__(self, mx=None, hosts=None, address="127.0.0.1", port=None, prefix=(), zones=("example",), user=""):
        self.address = address
        self._lock = None if port else UdpPort(address)
        self.port = port or self._lock.number
        self.server = f"{address}:{self.port}"
        records = [f"--mx-host={domain},{host},{preference}" for domain, hops in (mx or {}).items() for preference, host in hops]
        for host, addresses in (hosts or {}).items():
            for each in [addresses] if isinstance(addresses, str) else addresses:
                records.append(f"--host-record={host},{each}")
        self._command = [*prefix, DNSMASQ, "--keep-in-foreground", "--log-facility=-", "--log-queries", "--conf-file=/dev/null",
                         "--no-resolv", "--no-hosts", "--no-ping", "--bind-interfaces", f"--listen-address={address}",
                         f"--port={self.port}", f"--user={user}", "--group=", "--pid-file=", "--local-ttl=1",
                         *(f"--local=/{zone}/" for zone in zones), *records]
        self.log = None
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = Log(self._process.stderr)
        try:
            self.log.wait_for("started, version")
        except AssertionError:
            self.__exit__()
            raise AssertionError(f"dnsmasq did not start:\n{self.log.text()}") from None
        return self

    def __exit__(self, *_):
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self.log.join()
        self._process.stderr.close()
        if self._lock:
            self._lock.release()


class UdpPort:
    """A port that is free for UDP and TCP. Other test processes leave it alone until release(): an abstract socket of
    that name is the lock, as with ports.PortBase."""

    def __init__(self, address):
        for number in range(5300, 5500):
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                lock.bind(f"\0veredus-tests-dns-{number}")
                with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
                    probe.bind((address, number))
            except OSError:
                lock.close()
                continue
            if is_free(number, address):
                self.number, self._lock = number, lock
                return
            lock.close()
        raise RuntimeError("no port for a DNS server is free")

    def release(self):
        self._lock.close()
