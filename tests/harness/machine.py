"""A fresh Debian 12 that systemd boots, in a container with a network of its own (systemd-nspawn)."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

# What the tests send mail with. Programs that need a mail transport agent come with the packages.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "init", "git", "git-email", "libmailtools-perl", "php-cli", "curl", "netcat-openbsd",
            "iproute2"]
# systemd-nspawn of Debian 12 does not know Landlock's calls yet.
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def available():
    """Root, the programs, and a kernel that gives out namespaces."""
    if os.geteuid() != 0 or not all(shutil.which(program) for program in ("systemd-nspawn", "mmdebstrap")):
        return False
    return subprocess.run(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True).returncode == 0


def mirror():
    """Where this host gets its packages."""
    return subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm"], check=True, capture_output=True,
                          text=True).stdout.split()[0]


def base(build):
    """The system before anything of ours, as a tar; made once in a build directory."""
    image = pathlib.Path(build) / "debian-12.tar"
    if not image.exists():
        fresh = image.with_suffix(".new.tar")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=" + ",".join(PACKAGES), "bookworm", fresh, mirror()],
                       check=True, capture_output=True, text=True, timeout=600)
        fresh.rename(image)
    return image


def older(deb, directory):
    """The same package under a version that this one is an upgrade of."""
    tree = directory / deb.stem
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True, capture_output=True)
    control = tree / "DEBIAN/control"
    version = re.search(r"^Version: (\S+)$", control.read_text(), re.MULTILINE)[1]
    control.write_text(control.read_text().replace(version, version + "~older"))
    made = directory / deb.name
    subprocess.run(["dpkg-deb", "-b", "-Znone", "--root-owner-group", tree, made], check=True, capture_output=True)
    shutil.rmtree(tree)
    return made


class Machine:
    """Before boot() commands run in it without an init, as packages are installed; then beside systemd."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self._container = None
        self._leader = None

    def run(self, command, *, input=None, check=True, timeout=180, network=True):
        """A command of sh, as root in /root. Its standard output. Before boot(): in the network of this host, or in none."""
        if self._leader:
            enter = ["nsenter", "-t", str(self._leader), "-a", "env", "-i"]
        else:
            enter = ["systemd-nspawn", "-q", "-D", self.root, "--register=no", "--keep-unit", "--pipe",
                     f"--system-call-filter={LANDLOCK}", *([] if network else ["--private-network"]), "env", "-i"]
        done = subprocess.run([*enter, f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", "cd /root\n" + command],
                              input=input, capture_output=True, text=True, errors="replace", timeout=timeout,
                              **({"stdin": subprocess.DEVNULL} if input is None else {}))
        assert not check or done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if check else done

    def until(self, command, wanted, seconds=30):
        """Runs it until its output has `wanted`."""
        limit = time.monotonic() + seconds
        while True:
            said = self.run(command, check=False)
            if wanted in said.stdout:
                return said.stdout
            assert time.monotonic() < limit, f"{command}: no {wanted!r} in\n{said.stdout}{said.stderr}\n" + self.journal()
            time.sleep(0.1)

    def journal(self):
        return self.run("journalctl --no-pager -n 60 | cut -c1-300", check=False).stdout

    def boot(self):
        self._container = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", self.root, "-b", "--register=no", "--keep-unit", "--private-network", "--machine=mx",
             f"--system-call-filter={LANDLOCK}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        limit = time.monotonic() + 60
        while True:
            assert self._container.poll() is None, self._container.stderr.read().decode()
            child = subprocess.run(["pgrep", "-P", str(self._container.pid), "-x", "systemd"], capture_output=True, text=True)
            self._leader = int(child.stdout.split()[0]) if child.stdout.strip() else None
            if self._leader and self.run("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded"):
                return
            assert time.monotonic() < limit, "systemd does not come up\n" + (self.journal() if self._leader else "")
            time.sleep(0.1)

    def halt(self):
        if self._container is None:
            return
        if self._container.poll() is None and self._leader:
            self.run("systemctl poweroff", check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._container.wait(30)
        self._container.kill()
        self._container.wait()
        self._container.stderr.close()
        self._container = self._leader = None


@contextlib.contextmanager
def fresh(build, debs):
    """A machine with the packages `debs` in /root, not yet booted."""
    with tempfile.TemporaryDirectory(prefix="veredus-machine-") as directory:
        root = pathlib.Path(directory) / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", root, "-xf", base(build)], check=True)
        for deb in debs:
            shutil.copy(deb, root / "root")
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        machine = Machine(root)
        try:
            yield machine
        finally:
            machine.halt()
