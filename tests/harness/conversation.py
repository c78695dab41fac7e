"""Plays a dialogue of tests/conversation against an instance."""

import re
import shlex
import socket
import struct
import subprocess

from harness import mail
from harness.dialogue import ScriptError, mail_fits, options_of, to_regex, to_send
from harness.instance import PASSWORD, full_address
from harness.log import PATIENCE


class Mismatch(AssertionError):
    pass


class Client:
    """A TCP connection that keeps a transcript."""

    def __init__(self, veredus, port, source, label, transcript):
        self.veredus, self.label, self.transcript = veredus, label, transcript
        self.socket = veredus.connect(port, source)
        self.socket.settimeout(PATIENCE)
        self.buffered = b""
        if port.endswith("s") and port != "pop3":
            self.start_tls()

    def start_tls(self):
        self.socket = self.veredus.tls().wrap_socket(self.socket, server_hostname=self.veredus.hostname)
        self.note("(TLS)")

    def note(self, text):
        self.transcript.append(f"{self.label}{text}")

    def send(self, data):
        shown = data if len(data) < 200 else data[:150] + b"... (%d bytes)" % len(data)
        self.note(f"C: {shown.decode('latin-1')!r}"[:400])
        self.socket.sendall(data)

    def read_line(self):
        """The server's next line without CRLF, or None at the end."""
        while b"\n" not in self.buffered:
            try:
                more = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                raise Mismatch(f"the server says nothing more than {self.buffered!r}") from None
            except ConnectionResetError:
                self.note("S: (reset)")
                return None
            if not more:
                if self.buffered:
                    raise Mismatch(f"the server ends within a line: {self.buffered!r}")
                self.note("S: (closed)")
                return None
            self.buffered += more
        line, self.buffered = self.buffered.split(b"\n", 1)
        self.note(f"S: {line.decode('latin-1').rstrip(chr(13))}"[:400])
        if not line.endswith(b"\r"):
            raise Mismatch(f"the server ends a line with LF alone: {line!r}")
        return line[:-1].decode("latin-1")


class Conversation:
    def __init__(self, veredus, directory):
        self.veredus, self.directory = veredus, directory
        self.clients = {}
        self.transcript = []
        self.output = []  # lines of the last command not yet looked at
        self.exit_code = 0
        self.log_position = veredus.log.position()
        self.variables = {"hostname": veredus.hostname, "dir": str(veredus.directory)}
        self.variables |= {f"port.{name}": str(port) for name, port in veredus.ports.items()}
        self.pending = []  # patterns of S any: or O any: that follow one another
        self.pending_read = None

    # --- the statements: the beginning of the line, what to do with the rest ---

    def play(self, dialogue):
        """Raises Mismatch with the line of the step that failed."""
        step = None
        try:
            for step in dialogue.steps:
                self.play_step(step)
            self.settle_any()
            self.settle_command()
        except (Mismatch, AssertionError, OSError, ScriptError) as error:
            where = f"line {step.line}: {step.text}" if step else dialogue.name
            text = "\n".join("    " + line for line in self.transcript[-60:])
            raise Mismatch(f"{where}\n{text}\n{type(error).__name__}: {error}") from None
        finally:
            for client in self.clients.values():
                client.socket.close()

    def play_step(self, step):
        for beginning, method in STATEMENTS:
            if step.text == beginning.strip() or step.text.startswith(beginning):
                rest = step.text[len(beginning):]
                if method not in (Conversation.hear_any, Conversation.output_any):
                    self.settle_any()
                if not step.text.startswith(("O", "exit")):
                    self.settle_command()
                method(self, step, rest)
                return
        raise ScriptError("there is no such statement")

    def client(self, step):
        if step.client not in self.clients:
            raise ScriptError(f"{step.client or 'the client'} is not connected")
        return self.clients[step.client]

    def connect(self, step, rest):
        port, *words = rest.split()
        if port not in self.veredus.ports:
            raise ScriptError(f"there is no port {port}")
        if step.client in self.clients:
            self.clients[step.client].socket.close()
        label = f"{step.client} " if step.client else ""
        self.transcript.append(f"{label}connect {rest}")
        self.clients[step.client] = Client(self.veredus, port, options_of(words).get("from", ""), label, self.transcript)

    def say(self, step, rest):
        self.client(step).send(to_send(rest, self.variables) + b"\r\n")

    def say_raw(self, step, rest):
        self.client(step).send(to_send(rest, self.variables))

    def say_file(self, step, rest):
        lines = (self.directory / rest.strip()).read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
        self.client(step).send(b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines))

    def say_lines(self, step, rest):
        count, _, text = rest.strip().partition(" ")
        self.client(step).send((to_send(text, self.variables) + b"\r\n") * int(count))

    def hear(self, step, rest):
        self.expect(self.client(step).read_line(), self.pattern(rest), rest)

    def hear_regex(self, step, rest):
        self.expect(self.client(step).read_line(), re.compile(rest), rest)

    def hear_until(self, step, rest):
        self.until(self.client(step).read_line, rest)

    def hear_any(self, step, rest):
        self.pending_read = self.client(step).read_line
        self.pending.append(rest)

    def hear_lines(self, step, rest):
        for _ in range(int(rest)):
            if self.client(step).read_line() is None:
                raise Mismatch("the server closed")

    def closed(self, step, rest):
        client = self.client(step)
        while (line := client.read_line()) is not None:
            if rest.strip() != "early":
                raise Mismatch(f"expected the server to close, it said {line!r}")

    def close(self, step, rest):
        client = self.client(step)
        if rest.strip() == "writing":
            client.socket.shutdown(socket.SHUT_WR)
        else:
            client.socket.close()
        client.note(f"close {rest}")

    def reset(self, step, _):
        client = self.client(step)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        client.note("reset")

    def start_tls(self, step, _):
        self.client(step).start_tls()

    # --- around the conversation ---

    def given_mail(self, step, rest):
        who, *words = rest.split()
        options = options_of(words)
        recipients = [self.address(each) for each in who.split(",")]
        sender = options.get("from", "stranger@remote.example")
        if "file" in options:
            raw = (self.directory / options["file"]).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        elif step.block:
            raw = b"".join(to_send(line, self.variables) + b"\r\n" for line in step.block)
        else:
            raw = mail.message(sender, recipients[0])
        if "size" in options:
            line = b"0123456789" * 7 + b"\r\n"
            raw += line * (max(0, int(options["size"]) - len(raw)) // len(line))
        mail.send(self.veredus, sender, recipients, raw)
        for recipient in recipients:
            self.veredus.wait_delivered(recipient)

    def address(self, name):
        return full_address(name, self.veredus.domains[0])

    def delivered(self, _, rest):
        who, *count = rest.split()
        self.veredus.wait_delivered(self.address(who), int(count[0]) if count else 1)

    def log(self, _, rest):
        expression = re.compile(r"(?:.*\b)?" + self.pattern(rest).pattern + "$", re.DOTALL)
        found = self.veredus.log.wait_for(expression, after=self.log_position)
        self.variables.update(found.groupdict())
        lines = self.veredus.log.lines(self.log_position)
        self.log_position += 1 + next(at for at, line in enumerate(lines) if expression.search(line))

    def mailbox(self, step, rest):
        who, *words = rest.split()
        options = options_of(words)
        messages = mail.mailbox(self.veredus, self.address(who), PASSWORD)
        if "count" in options:
            if len(messages) != int(options["count"]):
                raise Mismatch(f"{who} has {len(messages)} messages")
            if not step.block:
                return
        number = int(options.get("nth", 1))
        if "nth" not in options and "count" not in options and len(messages) != 1:
            raise Mismatch(f"{who} has {len(messages)} messages, not one")
        if not 1 <= number <= len(messages):
            raise Mismatch(f"{who} has {len(messages)} messages only")
        expected = step.block
        if "file" in options:
            expected = (self.directory / options["file"]).read_text().rstrip("\n").split("\n")
        if problem := mail_fits(expected, messages[number - 1], self.variables):
            raise Mismatch(f"{problem}\n{messages[number - 1].decode('utf-8', 'replace')}")

    def run_command(self, step, rest):
        tool, *arguments = shlex.split(rest)
        command = self.veredus.command(*arguments, tool=tool)
        arguments_input = "".join(line + "\n" for line in step.block)
        done = subprocess.run(command, input=arguments_input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=2 * PATIENCE)
        self.transcript += [f"$ {rest}"] + [f"O: {line}" for line in done.stdout.splitlines()]
        self.output, self.exit_code = done.stdout.splitlines(), done.returncode

    def exit(self, _, rest):
        if self.exit_code != int(rest):
            raise Mismatch(f"the command's exit code was {self.exit_code}")
        self.exit_code = 0

    def settle_command(self):
        output, code, self.output, self.exit_code = self.output, self.exit_code, [], 0
        if code != 0:
            raise Mismatch(f"the command's exit code was {code}")
        if output:
            raise Mismatch(f"the command also said {output[0]!r}")

    def output_line(self):
        return self.output.pop(0) if self.output else None

    def output_is(self, _, rest):
        if rest.strip() == "...":
            self.output = []
        else:
            self.expect(self.output_line(), self.pattern(rest), rest)

    def output_regex(self, _, rest):
        self.expect(self.output_line(), re.compile(rest), rest)

    def output_until(self, _, rest):
        self.until(self.output_line, rest)

    def output_any(self, _, rest):
        self.pending_read = self.output_line
        self.pending.append(rest)

    def output_rest(self, *_):
        self.output = []

    def restart(self, *_):
        self.veredus.stop()
        self.start_again()

    def crash(self, *_):
        self.veredus.kill()
        self.start_again()

    def start_again(self):
        self.veredus.start()
        self.log_position = 0

    # --- patterns ---

    def pattern(self, text):
        return to_regex(text, self.variables)

    def expect(self, line, expression, shown):
        if line is None:
            raise Mismatch(f"expected {shown!r}, but nothing more came")
        found = expression.fullmatch(line)
        if not found:
            raise Mismatch(f"expected {shown!r}\n     got {line!r}")
        self.variables.update(found.groupdict())

    def until(self, read, text):
        seen = []
        while (line := read()) is not None:
            if found := self.pattern(text).fullmatch(line):
                self.variables.update(found.groupdict())
                return
            seen.append(line)
        raise Mismatch(f"{text!r} did not come; {seen[-5:]}")

    def settle_any(self):
        """The lines of S any: that followed one another, in whatever order they come."""
        patterns, self.pending = self.pending, []
        left = list(patterns)
        for _ in patterns:
            line = self.pending_read()
            if line is None:
                raise Mismatch(f"still expected {left}")
            for text in left:
                if found := self.pattern(text).fullmatch(line):
                    self.variables.update(found.groupdict())
                    left.remove(text)
                    break
            else:
                raise Mismatch(f"none of {left}\n fits {line!r}")


# The longest beginning first where one begins with another.
STATEMENTS = [
    ("connect ", Conversation.connect),
    ("C raw: ", Conversation.say_raw),
    ("C file: ", Conversation.say_file),
    ("C lines: ", Conversation.say_lines),
    ("C: ", Conversation.say),
    ("S until: ", Conversation.hear_until),
    ("S any: ", Conversation.hear_any),
    ("S lines: ", Conversation.hear_lines),
    ("S: ", Conversation.hear),
    ("S~ ", Conversation.hear_regex),
    ("closed", Conversation.closed),
    ("close", Conversation.close),
    ("reset", Conversation.reset),
    ("starttls", Conversation.start_tls),
    ("given mail ", Conversation.given_mail),
    ("delivered ", Conversation.delivered),
    ("log ", Conversation.log),
    ("mailbox ", Conversation.mailbox),
    ("$ ", Conversation.run_command),
    ("O until: ", Conversation.output_until),
    ("O any: ", Conversation.output_any),
    ("O: ", Conversation.output_is),
    ("O ...", Conversation.output_rest),
    ("O~ ", Conversation.output_regex),
    ("exit ", Conversation.exit),
    ("restart", Conversation.restart),
    ("crash", Conversation.crash),
]
