"""The packages on a fresh Debian 12 under systemd: installed, used, reloaded, restarted, upgraded, removed, purged.

The tests are one story, in this order."""

import os
import pathlib
import subprocess
import time

import pytest

from harness import machine as machines

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["VEREDUS_BUILD"])
NETWORK_DAEMONS = ["smtpd", "submitd", "relayd", "imapd", "pop3d"]
DAEMONS = [*NETWORK_DAEMONS, "accountd", "mailboxd", "queued", "deliverd"]

pytestmark = [pytest.mark.xdist_group("package"), pytest.mark.skipif(not machines.available(), reason="a container needs root"),
              pytest.mark.skipif("sanitize" in BUILD.name, reason="what is packaged is the plain build")]


@pytest.fixture(scope="module")
def machine():
    made = subprocess.run([ROOT / "dev", "package"], capture_output=True, text=True, timeout=600)
    assert made.returncode == 0, made.stdout + made.stderr
    debs = [deb for deb in (BUILD / "package").glob("*.deb") if "dbgsym" not in deb.name]
    assert len(debs) == 3
    with machines.fresh(BUILD, debs) as fresh:
        yield fresh


def install(machine):
    machine.run("apt-get install --yes --no-install-recommends ./veredus-*.deb cron bsd-mailx", timeout=400)


def serves(machine):
    machine.until("veredus status; echo = $?", "= 0")


def serves_without_systemd(machine):
    """As in a container: all daemons below `veredus run`, as the user veredus."""
    said = machine.run("rm /etc/veredus/veredus.toml /etc/veredus/tls/*; veredus init --hostname mx.example.org; "
                       "veredus run >/dev/null 2>run.log & for i in $(seq 100); do veredus status >status && break; sleep 0.1; done; "
                       "cat status; echo x | sendmail nobody-here; echo = $?; kill $!; wait $!; echo ended = $?",
                       network=False)
    assert "imapd     serving" in said and "= 67\n" in said and said.endswith("ended = 0\n"), said


def fetch(machine, subject, user="ann:secret"):
    """The one message with that subject, over IMAP."""
    found = machine.until(f"curl -s imap://localhost/INBOX -u {user} -X 'SEARCH SUBJECT \"{subject}\"'", "SEARCH ")
    numbers = found.split("SEARCH", 1)[1].split()
    assert len(numbers) == 1, found
    return machine.run(f"curl -s 'imap://localhost/INBOX;MAILINDEX={numbers[0]}' -u {user}")


def test_a_fresh_install_serves_on_loopback_alone(machine):
    machine.run("apt-get update --quiet; echo mx.example.org >/etc/mailname", timeout=400)
    install(machine)
    serves_without_systemd(machine)
    machine.boot()
    serves(machine)
    listening = machine.run("ss -Hltn")
    ports = {int(line.split()[3].rsplit(":", 1)[1]) for line in listening.splitlines()}
    assert ports == {25, 110, 143, 465, 587, 993, 995}
    assert all(line.split()[3].startswith(("127.0.0.1:", "[::1]:")) for line in listening.splitlines()), listening
    assert machine.run("systemctl list-units --failed --no-legend --plain 'veredus*'") == ""
    assert machine.run("cat /etc/aliases").endswith("postmaster: root\n")


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_service_can_do_little(machine, daemon):
    analysis = machine.run(f"systemd-analyze security --no-pager veredus-{daemon}.service | tail -n 1")
    assert float(analysis.split(":")[1].split()[0]) <= 2.5, analysis
    status = machine.run(f"cat /proc/$(systemctl show --value -p MainPID veredus-{daemon}.service)/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status
    locked_in = machine.run(f"journalctl --no-pager -u veredus-{daemon}.service")
    assert "Landlock" not in locked_in


def test_programs_of_the_host_send_mail(machine):
    machine.run("useradd --create-home ann; echo secret | veredus user add ann; echo secret | veredus user add root")
    machine.run("echo hello | mail -s from-mail ann")
    assert "\nhello" in fetch(machine, "from-mail")
    assert "lost connection" not in machine.run("journalctl --no-pager -t veredus/submission/smtpd")
    machine.run("""php -r 'exit(mail("ann", "from-php", "hello") ? 0 : 1);'""")
    fetch(machine, "from-php")
    machine.run("git init -q repo && cd repo && git config user.email root@mx.example.org && git config user.name root && "
                "echo 1 >file && git add file && git commit -q -m from-git && "
                "git send-email --quiet --confirm=never --to ann@mx.example.org HEAD~0 --from root@mx.example.org -1")
    fetch(machine, "from-git")


def test_the_hosts_alias_file_counts(machine):
    machine.run("echo 'admin: ann' >>/etc/aliases && newaliases")
    machine.run("echo hello | mail -s to-an-alias admin@localhost")
    fetch(machine, "to-an-alias")
    machine.run("echo 'pipe: |/bin/true' >>/etc/aliases")
    refused = machine.run("newaliases", check=False)
    assert refused.returncode == 65 and "/etc/aliases:4: " in refused.stderr, refused
    machine.run("echo hello | mail -s to-it-again admin")
    fetch(machine, "to-it-again")


def test_cron_sends_mail(machine):
    machine.run("echo '* * * * * root echo from-cron-job' >/etc/cron.d/veredus-test; chmod 644 /etc/cron.d/veredus-test")
    machine.until("curl -s imap://localhost/INBOX -u root:secret -X 'SEARCH BODY \"from-cron-job\"' | tr '0-9' N", "SEARCH N", seconds=75)
    machine.run("rm /etc/cron.d/veredus-test")


def test_a_program_in_a_service_with_no_new_privileges_sends_mail(machine):
    machine.run("systemd-run --quiet --wait --pipe -p NoNewPrivileges=yes -p DynamicUser=yes sh -c "
                "'printf \"Subject: from-service\\n\\nhello\\n\" | /usr/sbin/sendmail ann'")
    fetch(machine, "from-service")


def test_sendmail_says_tempfail_when_the_queue_is_down(machine):
    machine.run("systemctl stop veredus")
    assert machine.run("veredus status; echo = $?").endswith("= 69\n")
    assert machine.run("echo x | /usr/sbin/sendmail ann", check=False).returncode == 75
    machine.run("systemctl start veredus")
    serves(machine)


def test_a_reload_with_errors_changes_nothing(machine):
    machine.run("cp /etc/veredus/veredus.toml good.toml; printf '\\n[limits]\\nrecipents = 5\\n' >/etc/veredus/veredus.toml")
    refused = machine.run("systemctl reload veredus", check=False)
    assert refused.returncode != 0
    assert "did you mean recipients?" in machine.run("journalctl --no-pager -u veredus.service")
    serves(machine)
    machine.run("cp good.toml /etc/veredus/veredus.toml && systemctl reload veredus")
    serves(machine)


def test_a_drop_in_counts_and_is_shown(machine):
    machine.run("printf '[limits]\\nrecipients = 200\\n' >/etc/veredus/veredus.d/50-test.toml; veredus config check")
    machine.run("systemctl reload veredus")
    assert "limits.recipients = 200 " in machine.run("veredus config show")
    assert "# /etc/veredus/veredus.d/50-test.toml:2" in machine.run("veredus config show")
    assert "recipients = 200" in machine.run("cat /run/veredus/config/veredus.toml")
    machine.run("rm /etc/veredus/veredus.d/50-test.toml; systemctl reload veredus")


def test_a_session_lives_through_a_reload(machine):
    said = machine.run("(printf 'EHLO a.example\\r\\n'; sleep 1; systemctl reload veredus; "
                       "until journalctl --no-pager -b -u veredus-smtpd | grep -q 'read again'; do sleep 0.1; done; "
                       "printf 'NOOP\\r\\nQUIT\\r\\n'; sleep 0.5) | nc -C 127.0.0.1 25 | tail -n 2")
    assert [line[:3] for line in said.splitlines()] == ["250", "221"], said


def test_a_restart_refuses_nobody(machine):
    said = machine.run("systemctl restart veredus & for i in $(seq 40); do printf 'QUIT\\r\\n' | nc -w 20 127.0.0.1 25 | head -c 3; "
                       "echo; done; wait")
    assert said.split() == ["220"] * 40
    serves(machine)


def test_ports_follow_the_configuration(machine):
    machine.run("sed -i '/^\\[listen\\]/a port_base = 2000' /etc/veredus/veredus.toml; systemctl daemon-reload; "
                "systemctl stop veredus; systemctl start veredus")
    machine.until("ss -Hltn", "127.0.0.1:2025")
    assert "127.0.0.1:25 " not in machine.run("ss -Hltn")
    machine.run("cp good.toml /etc/veredus/veredus.toml; systemctl daemon-reload; systemctl stop veredus; systemctl start veredus")
    serves(machine)


def test_an_upgrade_keeps_what_waits_and_what_arrived(machine):
    machine.run("printf 'Subject: waits\\n\\nhello\\n' | /usr/sbin/sendmail bob@nowhere.example")
    machine.until("mailq", "bob@nowhere.example")
    machine.run("apt-get install --yes --reinstall ./veredus-*.deb", timeout=400)
    serves(machine)
    assert "bob@nowhere.example" in machine.run("mailq")
    fetch(machine, "from-mail")


def test_mail_outlives_remove_and_purge(machine):
    machine.run("apt-get remove --yes veredus-common && apt-get purge --yes veredus-mta veredus-access veredus-common", timeout=400)
    assert machine.run("find /var/lib/veredus/mail -type f | head -n 1") != ""
    assert machine.run("ls /var/spool/veredus") != ""
    assert machine.run("ls /etc/veredus", check=False).returncode != 0
    assert machine.run("ss -Hltn") == ""
    install(machine)
    serves(machine)
    assert "bob@nowhere.example" in machine.run("mailq")
    fetch(machine, "from-mail")


def test_nothing_is_left_where_there_was_no_mail(machine):
    machine.run("veredus queue delete --yes all && veredus user remove ann && veredus user remove root; rm -rf /var/lib/veredus/mail/*")
    machine.run("apt-get purge --yes veredus-mta veredus-access veredus-common", timeout=400)
    left = machine.run("find /etc /var /run /usr -xdev -name '*veredus*' -not -path '/var/lib/systemd/*' -not -path '/var/log/*' "
                       "-not -path '/var/cache/*'")
    assert left == "", left
