#!/usr/bin/python3
"""./dev run: an instance in ./demo that one can talk to, and a message on its way through it.

usage: demo.py [--once]
"""

import email
import email.policy
import imaplib
import pathlib
import poplib
import secrets
import signal
import smtplib
import ssl
import subprocess
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness.instance import ROOT, program, wait_until  # noqa: E402
from harness.log import Log  # noqa: E402
from harness.ports import STANDARD, is_free, ports_of  # noqa: E402

DEMO = ROOT / "demo"
DOMAIN, HOSTNAME = "demo.example", "mx.demo.example"
USERS = {"alice": "wonderland", "bob": "builder"}
# Ports such as 10025 and 10143, unless somebody has them.
BASES = (10000, 10200, 10300, 10400, 10600, 10700)


def fail(sentence):
    sys.exit(f"dev: {sentence}")


def step(text):
    print(f"\033[1m==>\033[0m {text}" if sys.stdout.isatty() else f"==> {text}", flush=True)


def veredus(*arguments, **options):
    done = subprocess.run([program("veredus"), *arguments], capture_output=True, text=True, **options)
    if done.returncode != 0:
        fail(f"veredus {' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def make_instance():
    """Its port base."""
    if (DEMO / "veredus.toml").exists():
        settings = tomllib.loads((DEMO / "veredus.toml").read_text())
        return settings.get("listen", {}).get("port_base", 0)
    base = next((base for base in BASES if all(is_free(base + port) for port in STANDARD.values())), None)
    if base is None:
        fail("no ports are free for the demo; stop what listens on 10025, 10143 and so on")
    step("making an instance in ./demo with two users")
    veredus("init", str(DEMO), "--hostname", HOSTNAME, "--domain", DOMAIN, "--port-base", str(base))
    for user, password in USERS.items():
        veredus("-C", str(DEMO), "user", "add", f"{user}@{DOMAIN}", input=password + "\n")
    return base


def start(ports):
    taken = [port for name, port in ports.items() if name != "managesieve" and not is_free(port)]
    if taken:
        fail(f"port {taken[0]} is taken: another ./dev run? Stop it, or remove ./demo for an instance on other ports")
    log_file = (DEMO / "log").open("ab")
    process = subprocess.Popen([program("veredus"), "-C", str(DEMO), "run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=log_file, start_new_session=True)
    said = Log(process.stdout)
    try:
        said.wait_for("^veredus: ready$", seconds=20)
    except AssertionError:
        process.terminate()
        process.wait()
        fail(f"the instance did not start; its log, {DEMO / 'log'}, ends with:\n" + "\n".join((DEMO / "log").read_text().splitlines()[-8:]))
    return process


def tls():
    return ssl.create_default_context(cafile=str(DEMO / "tls" / "ca.pem"))


class Submission(smtplib.SMTP):
    """smtplib connects to 127.0.0.1 and checks the certificate of the host's name."""

    def starttls(self, **arguments):
        self._host = HOSTNAME
        return super().starttls(**arguments)


def send(ports):
    alice, bob, token = f"alice@{DOMAIN}", f"bob@{DOMAIN}", secrets.token_hex(4)
    step(f"alice sends bob a message (submission, port {ports['submission']}, STARTTLS and login)")
    with Submission("127.0.0.1", ports["submission"], timeout=20) as client:
        client.starttls(context=tls())
        client.login(alice, USERS["alice"])
        client.sendmail(alice, [bob], f"From: Alice <{alice}>\r\nTo: Bob <{bob}>\r\nSubject: The post horse {token}\r\n\r\n"
                                      "Bob,\r\n\r\nthis went from hand to hand through ten daemons.\r\n\r\nAlice\r\n".encode())
    return f"The post horse {token}"


def show_pop3(ports, subject):
    client = poplib.POP3("127.0.0.1", ports["pop3"], timeout=20)
    client.user(f"bob@{DOMAIN}")
    client.pass_(USERS["bob"])
    found = None
    for number in range(client.stat()[0], 0, -1):
        raw = b"\r\n".join(client.retr(number)[1])
        if subject.encode() in raw:
            found = raw
            break
    client.quit()
    if found:
        step(f"bob reads it over POP3 (port {ports['pop3']})")
        print("\n".join("    " + line for line in found.decode().splitlines()), flush=True)
    return found


def show_imap(ports, subject):
    client = imaplib.IMAP4("127.0.0.1", ports["imap"], timeout=20)
    client.login(f"bob@{DOMAIN}", USERS["bob"])
    client.select("INBOX")
    numbers = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
    if not numbers:
        client.logout()
        return False
    step(f"bob reads it over IMAP (port {ports['imap']})")
    raw = client.fetch(numbers[-1], "(FLAGS BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT)])")[1][0]
    print("    " + raw[0].decode(), flush=True)
    parsed = email.message_from_bytes(raw[1], policy=email.policy.default)
    print("\n".join(f"    {name}: {value}" for name, value in parsed.items()), flush=True)
    client.logout()
    return True


def explain(ports):
    users = "".join(f"    {user}@{DOMAIN}   password {password}\n" for user, password in USERS.items())
    print(f"""
Veredus is at your service on 127.0.0.1:

    SMTP {ports['smtp']}   submission {ports['submission']} (STARTTLS), {ports['submissions']} (TLS)
    POP3 {ports['pop3']}, {ports['pop3s']} (TLS)   IMAP {ports['imap']}, {ports['imaps']} (TLS)

{users}
Type to it:

    telnet 127.0.0.1 {ports['smtp']}          telnet 127.0.0.1 {ports['pop3']}        telnet 127.0.0.1 {ports['imap']}
    helo telnet                     USER bob@{DOMAIN}         m1 LOGIN bob@{DOMAIN} builder
    mail from: <you@home.example>   PASS builder                  m2 LIST "" "*"
    rcpt to: <bob@{DOMAIN}>     STAT                          m3 EXAMINE INBOX
    data                            LIST                          m4 LOGOUT
    Subject: hello                  RETR 1
                                    QUIT
    Good morning.
    .
    quit

The administrator's command:  build/veredus -C demo status
The log:                      demo/log
For clients with TLS:         demo/tls/ca.pem
""", flush=True)


def main():
    once = sys.argv[1:] == ["--once"]
    if sys.argv[1:] and not once:
        fail("./dev run knows no option but --once")
    ports = ports_of(make_instance())
    step("starting it")
    process = start(ports)
    try:
        subject = send(ports)
        try:
            wait_until(lambda: show_pop3(ports, subject), seconds=20, pause=0.1)
            wait_until(lambda: show_imap(ports, subject), seconds=20, pause=0.1)
        except AssertionError:
            fail(f"the message did not arrive within 20 seconds; {DEMO / 'log'} says what became of it")
        explain(ports)
        if not once:
            print("Ctrl-C stops it.", flush=True)
            signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
            code = process.wait()
            fail(f"veredus run ended by itself with {code}; {DEMO / 'log'} says why")
    except KeyboardInterrupt:
        print(flush=True)
        step("stopping it")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
