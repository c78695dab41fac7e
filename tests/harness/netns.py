"""Hosts of their own in network namespaces, joined by one wire. As an ordinary user within a user namespace."""

import os
import subprocess

from harness.log import PATIENCE


class Network:
    """with Network({"a": "10.0.0.1", "b": ["10.0.0.2", "10.0.0.3"]}) as network: …

    network.prefix("a") is put before a command to run it on that host; its first address is where others reach it.
    """

    def __init__(self, hosts):
        self.addresses = {name: [each] if isinstance(each, str) else list(each) for name, each in hosts.items()}
        self._holders = {}
        self._switch = None

    def __enter__(self):
        try:
            self._switch = self._hold(self._unshare())
            self._run(self._enter(self._switch), "ip link add switch type bridge && ip link set switch up && ip link set lo up")
            for number, (name, addresses) in enumerate(self.addresses.items()):
                holder = self._hold([*self._enter(self._switch), "unshare", "--net"])
                self._holders[name] = holder
                self._run(self._enter(self._switch),
                          f"ip link add wire{number} type veth peer name eth0 netns {holder.pid} && "
                          f"ip link set wire{number} master switch up")
                lines = [f"ip addr add {address}/24 dev eth0" for address in addresses]
                self._run(self.prefix(name), " && ".join(["ip link set lo up", "ip link set eth0 up", *lines]))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for holder in [*self._holders.values(), self._switch]:
            if holder is not None:
                holder.kill()
                holder.wait()

    def prefix(self, name):
        return self._enter(self._holders[name])

    def run(self, name, *command, **options):
        """Runs a command on a host; the CompletedProcess."""
        return subprocess.run([*self.prefix(name), *command], capture_output=True, timeout=6 * PATIENCE, **options)

    @staticmethod
    def _unshare():
        return ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]

    @staticmethod
    def _hold(command):
        """A process that holds a namespace; it says a line when it is in it."""
        holder = subprocess.Popen([*command, "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        if not holder.stdout.readline():
            raise RuntimeError(f"no network namespace: {holder.stderr.read()}")
        return holder

    @staticmethod
    def _enter(holder):
        into = ["nsenter", "--target", str(holder.pid), "--net"]
        return into if os.geteuid() == 0 else [*into, "--user", "--preserve-credentials"]

    @staticmethod
    def _run(prefix, text):
        subprocess.run([*prefix, "sh", "-c", text], check=True, capture_output=True, timeout=PATIENCE)


def available():
    try:
        with Network({"a": "10.99.0.1"}):
            return True
    except (RuntimeError, OSError, subprocess.SubprocessError):
        return False
