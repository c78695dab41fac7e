"""Each example with a prompt in the manual and in the README is run, in the order of the pages, and prints what it shows."""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess

from harness.instance import program, short_directory, wait_until
from harness.log import PATIENCE
from harness.manual import BLOCK, examples, shows
from harness.ports import PortBase

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["install", "first-mail", "configuration", "commands", "troubleshooting", "security"]


def test_prompts_stand_in_console_blocks_alone():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for kind, block in BLOCK.findall(page.read_text()):
            assert kind == "console" or not re.search(r"^\$ ", block, re.MULTILINE), f"{page}: {block}"


def test_help_knows_pages_and_commands():
    def asked(*words):
        return subprocess.run([program("veredus"), "help", *words], capture_output=True, text=True, timeout=PATIENCE)

    topics = re.findall(r"^  (\S+)", asked().stdout, re.MULTILINE)
    assert set(PAGES) < set(topics)
    assert all(asked(topic).stdout.count("\n") > 20 for topic in topics)
    assert "Usage: veredus queue " in asked("queue").stdout
    wrong = asked("comands")
    assert wrong.returncode == 64 and wrong.stderr == 'veredus: there is no topic "comands"; did you mean commands?\n'


class Reader:
    """Somebody who types what the manual shows, in a directory of his own. The standard ports are elsewhere."""

    def __init__(self, directory, shown_base):
        self.directory, self.shown_base = directory, str(shown_base // 1000)
        self.ports = PortBase()
        self.running = []
        self.last_id = None
        commands = directory / "bin"
        commands.mkdir()
        for name in ("veredus", "sendmail", "mailq"):
            (commands / name).symlink_to(program(name))
        self.environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "HOME": str(directory)}

    def run(self, command, check=True):
        done = subprocess.run(["sh", "-c", command], cwd=self.directory, env=self.environment, input="secret\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=6 * PATIENCE)
        assert not check or done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}"
        return done.stdout

    def start(self, command):
        process = subprocess.Popen(["sh", "-c", "exec " + command], cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.running.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "veredus: ready\n":
                break
        return "".join(lines)

    def telnet(self, command, shown):
        """What stands there and is no answer of a server's was typed."""
        host, port = self.here(command).split()[1:]
        said = []
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            stream = connection.makefile("rw", newline="\r\n")
            for line in shown:
                if line.startswith(("+", "-")):
                    said.append(stream.readline())
                else:
                    stream.write(line + "\n")
                    stream.flush()
        return "".join(said), [line for line in shown if line.startswith(("+", "-"))]

    def here(self, command):
        command = re.sub(rf"\b{self.shown_base}(\d\d\d)\b", lambda port: str(self.ports.base + int(port[1])), command)
        if re.search(r"\bID\b|MESSAGE-ID", command):
            queue = [json.loads(line) for line in self.run("veredus -C demo queue --json").splitlines()]
            self.last_id = (queue[0]["queue_id"], queue[0]["message_id"].strip("<>")) if queue else self.last_id
            command = command.replace("MESSAGE-ID", self.last_id[1]).replace(" ID", " " + self.last_id[0])
        return command

    def follow(self, page, text):
        for command, shown in examples(text, "$ "):
            if command.startswith("telnet"):
                said, shown = self.telnet(command, shown)
            elif re.search(r"veredus -C \S+ run$", command):
                said = self.start(self.here(command))
            else:
                said = self.run(self.here(command))
            assert shows(said, shown), f"{page}: $ {command}\nprints\n{said}\nand should\n" + "\n".join(shown)

    def stop(self):
        for process in self.running:
            process.terminate()
        for process in self.running:
            assert process.wait(2 * PATIENCE) == 0
            process.stdout.close()
        self.ports.release()


@contextlib.contextmanager
def reader(shown_base):
    with short_directory() as directory:
        who = Reader(directory, shown_base)
        try:
            yield who
        finally:
            who.stop()


def nobody_outside(directory):
    """Mail for other hosts waits: where it would go nobody listens."""
    (directory / "veredus.d").mkdir(parents=True)
    (directory / "veredus.d/outside.toml").write_text('[routes]\n"*" = "[127.0.0.1]:1"\n')


def test_the_manual_does_what_it_shows():
    with reader(20000) as who:
        for page in PAGES:
            text = (ROOT / "docs" / f"{page}.md").read_text()
            if page == "install":
                before, init, rest = text.partition("$ veredus init demo")
                text = init + rest.split("```")[0]
                who.follow(page, "```console\n" + text.split("$ veredus -C demo run")[0] + "```\n")
                nobody_outside(who.directory / "demo")
                who.follow(page, "```console\n$ veredus -C demo run" + text.split("$ veredus -C demo run")[1] + "```\n")
                text = before + "```\n"
            if page == "commands":
                for _ in range(3):
                    who.run("printf 'Subject: x\\n\\nx\\n' | sendmail -C demo -f ann@example.org bob@b.example")
                wait_until(lambda: who.run("veredus -C demo queue list state=deferred").count("bob@b.example") == 3)
            who.follow(page, text)


def test_the_readme_does_what_it_shows():
    with reader(10000) as who:
        (who.directory / "build").mkdir()
        (who.directory / "build/veredus").symlink_to(program("veredus"))
        who.run(f"veredus init demo --hostname mx.demo.example --domain demo.example --port-base {who.ports.base}")
        nobody_outside(who.directory / "demo")
        for user, password in (("alice", "wonderland"), ("bob", "builder")):
            who.run(f"echo {password} | veredus -C demo user add {user}")
        who.start("veredus -C demo run")
        who.run("printf 'Subject: x\\n\\nx\\n' | sendmail -C demo bob")
        wait_until(lambda: "delivered" in who.run("veredus -C demo trace bob@demo.example", check=False))
        who.follow("README", (ROOT / "README.md").read_text())
