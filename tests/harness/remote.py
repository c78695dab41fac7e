"""Another host's SMTP server, whose every answer a test may choose."""

import socket
import socketserver
import threading

from harness.log import PATIENCE


class Transaction:
    def __init__(self, sender):
        self.sender, self.recipients, self.data = sender, [], b""

    def __repr__(self):
        return f"<{self.sender} to {self.recipients}, {len(self.data)} bytes>"


class RemoteHost:
    """with RemoteHost() as remote: …

    `remote.replies["RCPT"] = "450 4.2.0 try later"` answers every RCPT so; a list answers one after the other, its last
    from then on; a function gets the command line. Keys: CONNECT, EHLO, HELO, MAIL, RCPT, DATA, "." (end of data), STARTTLS,
    QUIT, RSET, NOOP. An answer of "drop" closes the connection instead, "silence" says nothing.
    """

    def __init__(self, host="127.0.0.1", port=0, extensions=("PIPELINING", "SIZE 104857600", "8BITMIME", "ENHANCEDSTATUSCODES"),
                 tls=None):
        self.replies = {}
        self.messages = []  # Transactions that were accepted
        self.commands = []  # every command line of every connection, in order
        self.connections = self.open_connections = self.most_connections = 0
        self.tls_connections = 0
        self.extensions, self.tls = list(extensions), tls
        self._changed = threading.Condition()
        remote = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 6 * PATIENCE

            def handle(self):
                session = Session(remote, self.request)
                try:
                    session.run()
                except (OSError, EOFError):
                    pass
                finally:
                    session.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 256
            address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        self._server = Server((host, port), Handler)
        self.host, self.port = host, self._server.server_address[1]
        self.hop = f"[{host}]:{self.port}"  # as veredus.toml names it

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, verb, line, usual):
        with self._changed:
            reply = self.replies.get(verb, usual)
            if isinstance(reply, list):
                reply = reply.pop(0) if len(reply) > 1 else reply[0]
        return reply(line) if callable(reply) else reply

    def note(self, **what):
        with self._changed:
            if "command" in what:
                self.commands.append(what["command"])
            if "message" in what:
                self.messages.append(what["message"])
            self.connections += "connection" in what
            self.open_connections += ("connection" in what) - ("closed" in what)
            self.most_connections = max(self.most_connections, self.open_connections)
            self.tls_connections += "tls" in what
            self._changed.notify_all()

    def wait_messages(self, count=1, seconds=None):
        self._wait(lambda: len(self.messages) >= count, f"{count} messages", seconds)
        return self.messages

    def wait_commands(self, verb, count=1, seconds=None):
        """Waits until so many commands of that verb came."""
        def enough():
            return sum(command.upper().startswith(verb) for command in self.commands) >= count
        self._wait(enough, f"{count} times {verb}", seconds)

    def _wait(self, condition, what, seconds):
        with self._changed:
            limit = 2 * PATIENCE if seconds is None else seconds
            assert self._changed.wait_for(condition, limit), (
                f"the remote host waited for {what}; it got {self.messages} and the commands {self.commands}")


class Session:
    """One connection, from greeting to close."""

    def __init__(self, remote, connection):
        self.remote, self.connection = remote, connection
        self.stream = connection.makefile("rb")
        self.transaction = None
        self.open = False

    def close(self):
        """Counts the connection as closed, once."""
        if self.open:
            self.open = False
            self.remote.note(closed=True)

    def run(self):
        self.open = True
        self.remote.note(connection=True)
        if not self.say("CONNECT", "", "220 remote.example ESMTP"):
            return
        while line := self.stream.readline():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.remote.note(command=text)
            if not self.obey(text):
                return

    def say(self, verb, line, usual):
        """Sends the chosen answer; whether it was a positive one (None: the connection ends)."""
        reply = self.remote.reply_to(verb, line, usual)
        if reply == "drop":
            raise EOFError
        if reply == "silence":
            return False
        self.connection.sendall(reply.encode() + b"\r\n")
        return reply[0] in "23"

    def obey(self, line):
        verb = line.split(" ", 1)[0].upper()
        if verb in ("EHLO", "HELO"):
            offered = self.remote.extensions + (["STARTTLS"] if self.remote.tls and not self.encrypted() else [])
            lines = ["remote.example"] + (offered if verb == "EHLO" else [])
            self.say(verb, line, "\r\n".join(f"250{'-' if at < len(lines) - 1 else ' '}{each}" for at, each in enumerate(lines)))
        elif verb == "STARTTLS" and self.remote.tls:
            if self.say(verb, line, "220 2.0.0 go ahead"):
                self.connection = self.remote.tls.wrap_socket(self.connection, server_side=True)
                self.stream = self.connection.makefile("rb")
                self.remote.note(tls=True)
        elif verb == "MAIL":
            if self.say(verb, line, "250 2.1.0 ok"):
                self.transaction = Transaction(path_of(line))
        elif verb == "RCPT":
            if self.say(verb, line, "250 2.1.5 ok") and self.transaction:
                self.transaction.recipients.append(path_of(line))
        elif verb == "DATA":
            usual = "354 go ahead" if self.transaction and self.transaction.recipients else "554 5.5.1 no valid recipients"
            if self.say(verb, line, usual):
                self.receive()
        elif verb == "QUIT":
            self.close()  # before the answer: who has it may come again at once
            self.say(verb, line, "221 2.0.0 bye")
            return False
        elif verb in ("RSET", "NOOP"):
            self.transaction = None if verb == "RSET" else self.transaction
            self.say(verb, line, "250 2.0.0 ok")
        else:
            self.say(verb, line, "500 5.5.2 unknown command")
        return True

    def receive(self):
        lines = []
        while (line := self.stream.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
        self.transaction.data = b"".join(lines)
        finished, self.transaction = self.transaction, None
        if self.say(".", "", "250 2.0.0 accepted"):
            self.remote.note(message=finished)

    def encrypted(self):
        return hasattr(self.connection, "cipher")


def path_of(line):
    """What stands between the angle brackets."""
    return line[line.index("<") + 1:line.index(">")]
