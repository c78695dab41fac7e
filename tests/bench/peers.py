"""The mail servers that are compared, as Debian ships them, each started the same two ways.

hold    what is accepted is kept and nothing is delivered
relay   what is accepted goes on to the hosts of `routes`: {domain: address}, all at port `sink`

Nobody writes to a log daemon, since none runs; what a server logs by itself it logs. Limits on connections from one
client are lifted, for the load comes from one; limits on processes stand as they come.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import packages
from harness import postfix
from harness.instance import Instance, accepts, wait_until
from measure import Group
from room import Room

DOMAIN, USER = "example.org", "u@example.org"


class Peer:
    """with Exim(place) as peer: …  `durable`: 250 means on disk."""

    name, durable = "", True

    def __init__(self, place, routes=None, sink=0):
        self.place, self.routes, self.sink = pathlib.Path(place) / self.name, routes or {}, sink
        self.group = Group(self.name)
        self.place.mkdir(parents=True)

    def __enter__(self):
        try:
            with self.group.inside():
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.group.end()
            shutil.rmtree(self.place, ignore_errors=True)

    def restart(self):
        with self.group.inside():
            self.start()

    def target(self):
        """smtp_load's words for where to send."""
        return ["--to", "127.0.0.1", "--port", str(self.port)]

    def clear(self):
        """Nothing in the queue, and nothing of it left for the disk to do."""
        self.empty()
        os.sync()

    def last_words(self):
        with contextlib.suppress(OSError):
            return (self.place / "log").read_text(errors="replace")[-1500:]
        return ""


class Veredus(Peer):
    name = "veredus"

    def __init__(self, place, routes=None, sink=0, settings=None):
        super().__init__(place, routes, sink)
        hops = {domain: f"[{address}]:{sink}" for domain, address in self.routes.items()}
        self.instance = Instance(self.place / "v", users=[USER], domains=[DOMAIN],
                                 settings={"queue": {"paused": not hops}, "routes": hops, **(settings or {})})
        self.port = self.instance.ports["smtp"]
        self.group.follow(self.instance.processes)

    def start(self):
        Instance.running_now.append(self.instance)
        with open(self.place / "log", "ab") as log:
            try:
                self.instance.start(log)
            except AssertionError as error:
                raise RuntimeError(f"{error}\n{self.last_words()}") from None

    def stop(self):
        if self.instance in Instance.running_now:
            self.instance.__exit__(None, None, None)

    def target(self):
        """Strangers may not relay over port 25; local programs may, who speak SMTP on a UNIX socket."""
        if self.routes:
            return ["--to", str(self.instance.directory / "run" / "submission")]
        return super().target()

    def empty(self):
        done = subprocess.run(self.instance.command("queue", "delete", "all", "--yes"), capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"veredus queue delete all: {done.stderr}\n{self.last_words()}")


class Postfix(Peer):
    name = "postfix"

    def __init__(self, place, routes=None, sink=0):
        super().__init__(place, routes, sink)
        settings = {"maillog_file": "", "smtp_tls_security_level": "none"}
        if self.routes:
            transports = self.place / "transport"
            transports.write_text("".join(f"{domain} smtp:[{address}]:{sink}\n" for domain, address in self.routes.items()))
            settings["transport_maps"] = f"texthash:{transports}"
        else:
            settings["smtpd_client_restrictions"] = "check_client_access static:HOLD"
        self.peer = postfix.Postfix(self.place / "p", domain=DOMAIN, users=["u"], settings=settings)
        self.port = self.peer.port

    def start(self):
        self.peer.__enter__()

    def stop(self):
        self.peer.__exit__(None)

    def empty(self):
        subprocess.run(["/usr/sbin/postsuper", "-c", str(self.peer.etc), "-d", "ALL"], capture_output=True)


EXIM = """
primary_hostname = mx.example.org
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
acl_smtp_rcpt = accept_all
log_selector = +smtp_protocol_error +smtp_syntax_error
{mode}
split_spool_directory = true
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
smtp_connect_backlog = 300
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
begin acl
accept_all:
  accept
begin routers
onward:
  driver = manualroute
  transport = smtp
  self = send
  route_data = ${{lookup{{$domain}}lsearch{{/etc/exim4/routes}}}}
begin transports
smtp:
  driver = smtp
  port = {sink}
  hosts_avoid_tls = *
begin retry
* * F,2h,1m
"""


class InARoom(Peer):
    """A peer that cannot be installed beside the others."""

    room_is_open, process = False, None

    def enter(self, *command):
        if not self.room_is_open:
            self.room.__enter__()
            self.room_is_open = True
        with open(self.place / "log", "ab") as log:
            self.process = self.room.start(*command, log=log)
        deadline = time.monotonic() + 20
        while not accepts("127.0.0.1", self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.last_words()}")
            time.sleep(0.02)

    def end_process(self):
        if self.process and self.process.poll() is None:
            # nsenter has become the server's first process.
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        wait_until(lambda: not accepts("127.0.0.1", self.port), seconds=10)
        self.process = None

    def stop(self):
        with contextlib.suppress(AssertionError):
            self.end_process()
        if self.room_is_open:
            self.room.__exit__()


class Exim(InARoom):
    name = "exim"

    def __init__(self, place, routes=None, sink=0):
        super().__init__(place, routes, sink)
        self.port = postfix.free_port()
        self.room = Room(self.place, packages.unpacked("exim4-daemon-light", "exim4-base"), users=["Debian-exim"],
                         files={"/etc/exim4/exim4.conf": EXIM.format(port=self.port, sink=sink or 25,
                                                                     mode="" if self.routes else "queue_only = true"),
                                "/etc/exim4/routes": "".join(f"{domain}: {address}\n" for domain, address in self.routes.items())},
                         directories={"/var/spool/exim4": ("Debian-exim", 0o750), "/var/log/exim4": ("Debian-exim", 0o750)})

    def start(self):
        self.enter("/usr/sbin/exim4", "-bdf", "-q30m")

    def empty(self):
        """It has no manager: a message is its files."""
        for name in ("input", "msglog"):
            shutil.rmtree(self.room.real("/var/spool/exim4") / name, ignore_errors=True)

    def last_words(self):
        logs = [self.place / "log", *sorted(self.room.real("/var/log/exim4").glob("*log"))]
        return "".join(each.read_text(errors="replace")[-1500:] for each in logs if each.is_file())


OPENSMTPD = """
listen on 127.0.0.1 port {port} no-dsn
{actions}
"""


class OpenSmtpd(InARoom):
    """As packaged it answers 250 before anything is synced. It asks for the name of each client: of files alone here."""

    name, durable = "opensmtpd", False

    def __init__(self, place, routes=None, sink=0):
        super().__init__(place, routes, sink)
        self.port = postfix.free_port()
        lines = []
        for number, (domain, address) in enumerate(self.routes.items()):
            lines.append(f'action "relay{number}" relay host smtp://{address}:{sink}')
            lines.append(f'match from any for domain "{domain}" action "relay{number}"')
        if not self.routes:
            lines = ['action "keep" relay host smtp://127.0.0.1:9', 'match from any for any action "keep"']
        self.room = Room(self.place, packages.unpacked("opensmtpd"), users=["opensmtpd", "opensmtpq"],
                         files={"/etc/smtpd.conf": OPENSMTPD.format(port=self.port, actions="\n".join(lines)),
                                "/etc/mailname": "mx.example.org\n", "/etc/resolv.conf": "lookup file\n"},
                         directories={"/var/spool/smtpd": ("root", 0o711)})

    def start(self):
        self.enter("/usr/sbin/smtpd", "-F")
        if not self.routes:
            for agent in ("mta", "mda"):
                wait_until(lambda agent=agent: self.control("pause", agent).returncode == 0, seconds=10)

    def control(self, *words):
        """smtpctl wants its group, which installing it would have given it."""
        return self.room.run("setpriv", f"--regid={self.room.ids['opensmtpq']}", "--clear-groups", "/usr/sbin/smtpctl", *words)

    def empty(self):
        self.end_process()
        real = self.room.real("/var/spool/smtpd")
        for each in real.iterdir():
            shutil.rmtree(each, ignore_errors=True)
        self.restart()


ALL = {kind.name: kind for kind in (Veredus, Postfix, Exim, OpenSmtpd)}


def start_all(stack, kinds, *arguments):
    """Those of `kinds` that start, until the ExitStack ends. It is no bench without Veredus, but one without Exim."""
    started = []
    for kind in kinds:
        try:
            started.append(stack.enter_context(kind(*arguments)))
        except (RuntimeError, OSError, AssertionError) as error:
            if kind is Veredus:
                raise
            print(f"bench: going on without {kind.name}: {error}", file=sys.stderr, flush=True)
    return started


def available():
    """Those that can be started by this user on this host."""
    if os.geteuid() != 0:
        return [Veredus]
    return [kind for kind in ALL.values() if kind is not Postfix or postfix.available()]
