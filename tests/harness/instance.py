"""An instance of Veredus: a directory, a port base, the processes."""

import atexit
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import tomllib

from harness.log import PATIENCE, Log
from harness.ports import PortBase, ports_of

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("VEREDUS_BUILD", ROOT / "build")).resolve()
PASSWORD = "secret"

# Short where only people need it long.
SETTINGS_FOR_TESTS = {
    "accounts": {"failure_delay": "100ms"},
    "limits": {"connections_per_address": 2000},
}

# What must never stand in a log: a sanitizer's report, a seccomp kill, an assertion.
DISASTERS = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:|SIGSYS|SIGSEGV|SIGABRT|Assertion .* failed|terminate called")


def program(name):
    for place in (BUILD / name, BUILD / "tools" / name / name):
        if place.is_file():
            return str(place)
    raise FileNotFoundError(f"{name} is not built in {BUILD}; run ./dev build")


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(each)}" for key, each in value.items()) + " }"
    return str(value) if isinstance(value, int) else json.dumps(value)


def set_in_toml(text, section, key, value):
    """`text` with section.key set; the section is made when it is not there, an old value replaced."""
    lines = text.split("\n")
    start = 0
    if section:
        with contextlib.suppress(ValueError):
            start = lines.index(f"[{section}]") + 1
        if start == 0:
            return text.rstrip("\n") + f"\n\n[{section}]\n{key} = {toml_value(value)}\n"
    end = next((at for at in range(start, len(lines)) if lines[at].startswith("[")), len(lines))
    written = f"{key} = {toml_value(value)}"
    for at in range(start, end):
        if re.match(rf"{re.escape(key)}\s*=", lines[at]):
            lines[at] = written
            return "\n".join(lines)
    lines.insert(start, written)
    return "\n".join(lines)


def set_settings(text, settings):
    """`settings`: {"section": {"key": value}, "top-level key": value}; keys of [routes] and [destinations] are quoted."""
    for section, keys in settings.items():
        if not isinstance(keys, dict):
            text = set_in_toml(text, "", section, keys)
            continue
        for key, value in keys.items():
            text = set_in_toml(text, section, json.dumps(key) if section in ("routes", "destinations") else key, value)
    return text


def full_address(user, domain):
    return user if "@" in user else f"{user}@{domain}"


class Instances:
    """Directories already initialised, by what they were made for: init and user add cost time (keys, Argon2),
    and a copy costs none."""

    def __init__(self):
        self._root = pathlib.Path(tempfile.mkdtemp(prefix="veredus-templates-"))
        self._made = {}
        owner = os.getpid()
        atexit.register(lambda: os.getpid() == owner and shutil.rmtree(self._root, ignore_errors=True))

    def copy_to(self, directory, hostname, domains, users):
        key = (hostname, tuple(domains), tuple(users))
        if key not in self._made:
            template = self._root / str(len(self._made))
            command = [program("veredus"), "init", str(template), "--hostname", hostname]
            for domain in domains:
                command += ["--domain", domain]
            check_run(command)
            for user in users:
                check_run([program("veredus"), "-C", str(template), "user", "add", full_address(user, domains[0])],
                          input=PASSWORD + "\n")
            self._made[key] = template
        shutil.copytree(self._made[key], directory, symlinks=True, dirs_exist_ok=True)


TEMPLATES = Instances()


@contextlib.contextmanager
def short_directory():
    """A new directory with a short name: the path of a UNIX socket has 107 bytes at most."""
    directory = tempfile.mkdtemp(prefix="v-", dir="/tmp")
    try:
        yield pathlib.Path(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def check_run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=6 * PATIENCE, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Instance:
    """with Instance(tmp_path / "a", users=["alice"]) as veredus: …

    In the with-block it serves; at the end it is stopped, and nothing of it may be left behind. `prefix` is put before
    every command (nsenter …); `listen` are the addresses it listens on, the first being that of tests.
    """

    running_now = []  # of this process, for who reports a failure

    def __init__(self, directory, *, hostname="mx.example.org", domains=("example.org",), users=(), settings=None,
                 prefix=(), listen=None, port_base=None):
        self.directory = pathlib.Path(directory)
        self.hostname, self.domains, self.prefix = hostname, tuple(domains), list(prefix)
        self.host = listen[0] if listen else "127.0.0.1"
        self._reserved = None
        if port_base is None:
            self._reserved = PortBase()
            port_base = self._reserved.base
        self.ports = ports_of(port_base)
        self.process = None
        self.log = None
        self._earlier_logs = []
        self._delivered = {}
        TEMPLATES.copy_to(self.directory, hostname, domains, users)
        self.configure({"listen": {"port_base": port_base, **({"address": listen} if listen else {})}})
        self.configure(SETTINGS_FOR_TESTS)
        self.configure(settings or {})

    # --- configuration and the administrator's command ---

    def configure(self, settings):
        path = self.directory / "veredus.toml"
        text = set_settings(path.read_text(), settings)
        tomllib.loads(text)
        path.write_text(text)

    def configure_text(self, text):
        """Adds lines of veredus.toml, [sections] and all."""
        self.configure(tomllib.loads(text))

    def command(self, *arguments, tool="veredus"):
        """The command line of `veredus -C DIR arguments…`."""
        place = ["-C", str(self.directory)]
        return [*self.prefix, program(tool), *place, *map(str, arguments)]

    def veredus(self, *arguments, input="", check=True):
        """Runs it; the CompletedProcess. With `check` any exit code but 0 is an AssertionError."""
        command = self.command(*arguments)
        done = subprocess.run(command, input=input, capture_output=True, text=True, errors="replace", timeout=3 * PATIENCE)
        if check:
            assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def add_user(self, address, password=PASSWORD):
        self.veredus("user", "add", address, input=password + "\n")

    def status(self):
        return json.loads(self.veredus("status", "--json").stdout)

    def queue(self):
        """The queue as `veredus queue list --json` shows it: a list of messages."""
        return [json.loads(line) for line in self.veredus("queue", "list", "--json").stdout.splitlines() if line.strip()]

    # --- its life ---

    def wait_until_empty(self):
        """A worker's log tells of a message before queued has noted that it has left."""
        wait_until(lambda: self.queue() == [])

    def start(self, log_file=None):
        """Returns when it is ready. With `log_file` its words go there and cannot be waited for."""
        assert self.process is None, "it runs already"
        environment = dict(os.environ)
        environment["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1:" + environment.get("ASAN_OPTIONS", "")
        environment["UBSAN_OPTIONS"] = "print_stacktrace=1:" + environment.get("UBSAN_OPTIONS", "")
        self.process = subprocess.Popen(self.command("run"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=log_file or subprocess.STDOUT, start_new_session=True, env=environment)
        self.log = Log(self.process.stdout)
        self._delivered.clear()
        try:
            self.log.wait_for(r"^veredus: ready$", seconds=2 * PATIENCE)
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"veredus run did not get ready ({error}):\n{self.log.text()}") from None
        return self

    def processes(self):
        """The ids of all its processes: those in the session that `veredus run` leads."""
        return [] if self.process is None else session_members(self.process.pid)

    def daemon(self, name):
        """The process id of a daemon."""
        return next(each["pid"] for each in self.status()["daemons"] if each["name"] == name)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def terminate(self):
        """SIGTERM; waits for the end; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(2 * PATIENCE)
        except subprocess.TimeoutExpired:
            left = [describe(pid) for pid in self.processes()]
            self.kill()
            raise AssertionError(f"SIGTERM did not end veredus run; still there: {left}") from None

    def stop(self):
        """Ends it as an administrator does and asserts that it leaves nothing behind."""
        if self.process is None:
            return
        leader, code = self.process.pid, self.terminate()
        left = [describe(pid) for pid in session_members(leader)]
        self._forget()
        assert code == 0, f"veredus run ended with {code}"
        assert not left, f"processes outlived veredus run: {left}"
        open_ports = [name for name, port in self.ports.items() if not self.prefix and accepts(self.host, port)]
        assert not open_ports, f"ports are still open: {open_ports}"

    def kill(self):
        """SIGKILL to every process, as a crash of the machine would."""
        if self.process is None:
            return
        leader = self.process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGKILL)
        while members := session_members(leader):
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
        self.process.wait()
        self._forget()

    def _forget(self):
        self.log.join()
        self._earlier_logs += self.log.lines()
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        Instance.running_now.append(self)
        return self.start()

    def __exit__(self, kind, error, traceback):
        failure = None
        try:
            if kind is None:
                self.stop()
            else:
                self.kill()
        except AssertionError as late:
            failure = late
        finally:
            self.kill()
            Instance.running_now.remove(self)
            if self._reserved:
                self._reserved.release()
        log = "\n".join(self._earlier_logs)
        if kind is not None or failure is not None:
            print(f"--- log of {self.directory.name} ---\n{log}\n---")
        if failure:
            raise failure
        if kind is None:
            disasters = [line for line in self._earlier_logs if DISASTERS.search(line)]
            assert not disasters, f"the log tells of a disaster: {disasters[:3]}\n{log}"

    # --- what its clients need ---

    @property
    def ca_file(self):
        return str(self.directory / "tls" / "ca.pem")

    def tls(self):
        """An SSLContext that trusts this instance's authority and checks its name."""
        return ssl.create_default_context(cafile=self.ca_file)

    def connect(self, port, source="", seconds=None):
        """A connected TCP socket to the named port."""
        return socket.create_connection((self.host, self.ports[port]), PATIENCE if seconds is None else seconds,
                                        (source, 0) if source else None)

    def wait_delivered(self, address, count=1, seconds=None):
        """Waits until `count` more messages than at the last call reached a mailbox, by the log."""
        total = self._delivered.get(address, 0) + count
        self.log.wait_for(delivered_to(address), total, seconds=seconds)
        self._delivered[address] = total


def delivered_to(address, status="sent"):
    """The log line of a recipient's outcome, as a regular expression with the groups id, relay, dsn and text."""
    return (rf"\b(?P<id>[0-9A-Z]{{13}}): to=<{re.escape(address)}>, (?:orig_to=<[^>]*>, )?relay=(?P<relay>[^ ]*), .*"
            rf"dsn=(?P<dsn>[0-9.]+), status={status} \((?P<text>.*)\)")


def session_members(leader):
    """The ids of the live processes of a session (zombies have ended)."""
    members = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{entry.name}/stat", "rb") as stat:
                    fields = stat.read().rsplit(b")", 1)[1].split()
                if int(fields[3]) == leader and fields[0] not in b"ZX":
                    members.append(int(entry.name))
    return members


def describe(pid):
    try:
        return f"{pid} " + pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return str(pid)


def accepts(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def wait_until(condition, seconds=None, pause=0.02):
    """For what has no event: asks again and again; returns the first true answer."""
    deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"never became true: {condition}"
        time.sleep(pause)
    return answer
