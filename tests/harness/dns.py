"""A real DNS server (dnsmasq of Debian) with the records of a test."""

import contextlib
import shutil
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
        self.port = port or free_udp_port(address)
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
        self._process.stderr.close()


def free_udp_port(address):
    import socket
    for port in range(5300, 5500):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            if is_free(port, address):
                return port
    raise RuntimeError("no port for a DNS server is free")
