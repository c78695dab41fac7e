"""A Postfix of a test's own: its configuration, queue and port beside those of the host, if it has any. Needs root."""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import time

from harness.instance import accepts
from harness.log import PATIENCE

# Everything that Postfix would find through the host's configuration is said here.
MAIN = """
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
multi_instance_enable = no
maillog_file = {log}
maillog_file_prefixes = {root}
syslog_name = postfix-test
myhostname = {hostname}
mydomain = {hostname}
mynetworks = 127.0.0.0/8
inet_interfaces = {address}
inet_protocols = ipv4
mydestination =
local_recipient_maps =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtp_tls_security_level = may
smtpd_client_connection_count_limit = 0
smtpd_client_message_rate_limit = 0
message_size_limit = 104857600
virtual_mailbox_limit = 0
smtp_host_lookup = native
smtp_dns_support_level = disabled
"""

MASTER = """
{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """with Postfix(tmp_path / "postfix", domain="p.example", users=["bob"], settings={"relayhost": "[127.0.0.1]:2525"}) as postfix: …

    Mail for the users lands in Maildirs; `postfix.mailbox("bob")` lists the messages as bytes.
    """

    def __init__(self, directory, domain="postfix.example", users=(), settings=None, port=None, address="127.0.0.1"):
        self.root = pathlib.Path(directory)
        self.address, self.port = address, port or free_port()
        self.hop = f"[{address}]:{self.port}"
        self.etc, self.mail = self.root / "etc", self.root / "mail"
        self.log_file = self.root / "log"
        for place in (self.etc, self.mail, self.root / "queue", self.root / "data"):
            place.mkdir(parents=True)
        owner = pwd.getpwnam("postfix")
        os.chown(self.root / "data", owner.pw_uid, -1)
        # Postfix's processes are another user's: they must reach the directory.
        for parent in [self.root, *self.root.parents]:
            if parent.stat().st_mode & 0o011 != 0o011:
                parent.chmod(parent.stat().st_mode | 0o011)
        user = pwd.getpwnam("nobody")
        os.chown(self.mail, user.pw_uid, user.pw_gid)
        mailboxes = ", ".join(f"{{ {name}@{domain} = {name}/ }}" for name in users)
        text = MAIN.format(queue=self.root / "queue", data=self.root / "data", log=self.log_file, root=self.root, hostname=f"mx.{domain}",
                           address=address, domains=domain, mail=self.mail, mailboxes=mailboxes, uid=user.pw_uid, gid=user.pw_gid)
        text += "".join(f"{key} = {value}\n" for key, value in (settings or {}).items())
        (self.etc / "main.cf").write_text(text)
        (self.etc / "master.cf").write_text(MASTER.format(address=address, port=self.port))

    def command(self, *arguments):
        return subprocess.run([*arguments[:1], "-c", str(self.etc), *arguments[1:]], capture_output=True, text=True,
                              timeout=6 * PATIENCE)

    def __enter__(self):
        started = self.command("/usr/sbin/postfix", "start")
        deadline = time.monotonic() + PATIENCE
        while not accepts(self.address, self.port):
            assert time.monotonic() < deadline, f"Postfix did not start:\n{started.stdout}{started.stderr}\n{self.log()}"
            time.sleep(0.02)
        return self

    def __exit__(self, kind, *_):
        self.command("/usr/sbin/postfix", "stop")
        if kind is not None:
            print(f"--- log of postfix ---\n{self.log()}\n---")

    def log(self):
        return self.log_file.read_text() if self.log_file.exists() else ""

    def mailbox(self, user):
        place = self.mail / user / "new"
        return [each.read_bytes() for each in sorted(place.iterdir())] if place.exists() else []

    def master_pid(self):
        return int((self.root / "queue" / "pid" / "master.pid").read_text())


def free_port():
    import socket
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def available():
    return os.geteuid() == 0 and shutil.which("postfix", path="/usr/sbin") is not None
