"""Ports that nobody else uses, for as long as one holds them."""

import contextlib
import socket

STANDARD = {
    "smtp": 25,
    "pop3": 110,
    "imap": 143,
    "submissions": 465,
    "submission": 587,
    "imaps": 993,
    "pop3s": 995,
    "managesieve": 4190,
}

# Below the range that the kernel takes for outgoing connections. The standard ports differ in their last two digits,
# so bases that are multiples of 100 never meet.
BASES = range(11000, 28000, 100)


def is_free(port, host="127.0.0.1"):
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            return True
        except OSError:
            return False


class PortBase:
    """A port base whose ports are all free. Other test processes leave it alone until release():
    an abstract socket of that name is the lock, and it goes with the process."""

    def __init__(self):
        for base in BASES:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                lock.bind(f"\0veredus-tests-port-base-{base}")
            except OSError:
                lock.close()
                continue
            if all(is_free(base + port) for port in STANDARD.values()):
                self.base, self._lock = base, lock
                return
            lock.close()
        raise RuntimeError(f"no port base from {BASES.start} to {BASES.stop} is free")

    def release(self):
        self._lock.close()


def ports_of(base):
    return {name: base + port for name, port in STANDARD.items()}
