"""The packages on a fresh Debian 12 under systemd: installed, used, reloaded, restarted, upgraded, removed, purged.

The tests are one story, in this order."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

from harness import certificates, machine as machines, manual

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ["VEREDUS_BUILD"])
NETWORK_DAEMONS = ["smtpd", "submitd", "relayd", "imapd", "pop3d"]
CONFINED_DAEMONS = [*NETWORK_DAEMONS, "accountd", "mailboxd", "queued", "deliverd"]

pytestmark = [pytest.mark.xdist_group("package"), pytest.mark.skipif(not machines.available(), reason="a container needs root"),
              pytest.mark.skipif("sanitize" in BUILD.name, reason="what is packaged is the plain build")]


@pytest.fixture(autouse=True)
def goes_on(request):
    """A story with a hole in it is not told to its end."""
    if getattr(request.module, "has_failed", False):
        pytest.skip("a test before this one failed")


@pytest.fixture(scope="module")
def debs():
    made = subprocess.run([ROOT / "dev", "package"], capture_output=True, text=True, timeout=600)
    assert made.returncode == 0, made.stdout + made.stderr
    packages = [deb for deb in (BUILD / "package").glob("*.deb") if "dbgsym" not in deb.name]
    assert len(packages) == 3
    return packages


@pytest.fixture(scope="module")
def machine(debs, tmp_path_factory):
    """The packages lie in /root/newer; those in /root are the same under an older version."""
    directory = tmp_path_factory.mktemp("older")
    with machines.fresh(BUILD, [machines.older(deb, directory) for deb in debs]) as fresh:
        newer = fresh.root / "root/newer"
        newer.mkdir()
        for deb in debs:
            shutil.copy(deb, newer)
        yield fresh


def test_piuparts_finds_nothing(debs, tmp_path):
    """Installed and purged: each file is as it was before."""
    image = tmp_path / "debian-12.tar.gz"
    with open(image, "wb") as compressed:
        subprocess.run(["gzip", "-1", "-c", machines.base(BUILD)], stdout=compressed, check=True)
    done = subprocess.run(["piuparts", f"--basetgz={image}", "-d", "bookworm", "--mirror", f"{machines.mirror()} main", "--no-eatmydata",
                           "--log-level=error", *debs], capture_output=True, text=True, timeout=600)
    image.unlink()
    assert done.returncode == 0, done.stdout + done.stderr


def install(machine, where="."):
    machine.run(f"apt-get install --yes --no-install-recommends {where}/veredus-*.deb cron bsd-mailx "
                "fail2ban python3-systemd logwatch pflogsumm s-nail", timeout=400)


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


@pytest.mark.parametrize("daemon", CONFINED_DAEMONS)
def test_a_service_can_do_little(machine, daemon):
    analysis = machine.run(f"systemd-analyze security --no-pager veredus-{daemon}.service | tail -n 1")
    assert float(analysis.split(":")[1].split()[0]) <= 2.5, analysis
    status = machine.run(f"cat /proc/$(systemctl show --value -p MainPID veredus-{daemon}.service)/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status and "Seccomp:\t2" in status
    locked_in = machine.run(f"journalctl --no-pager -u veredus-{daemon}.service")
    assert "Landlock" not in locked_in


def test_the_manual_does_what_it_shows(machine):
    shown = manual.examples((ROOT / "docs/install.md").read_text(), "# ")
    assert len(shown) == 6
    for command, output in shown:
        said = machine.run(command)
        assert manual.shows(said, output), f"{command}: {said}"
    serves(machine)
    assert "\nhello" in fetch(machine, "test")


def test_an_ordinary_user_runs_an_instance_of_his_own(machine):
    machine.run("useradd --create-home pat")
    story = """set -e
cd
veredus init demo --port-base 20000 --hostname mx.example.org --domain example.org
echo secret | veredus -C demo user add ann
veredus -C demo run >run.log 2>&1 & pid=$!
until veredus -C demo status; do sleep 0.1; done
echo hello | sendmail -C demo ann
until curl -s imap://127.0.0.1:20143/INBOX -u ann:secret -X 'SEARCH TEXT hello' | grep 'SEARCH 1'; do sleep 0.1; done
kill $pid
wait $pid
"""
    said = machine.run("su pat -c 'timeout 60 sh'", input=story)
    assert "SEARCH 1" in said and "imapd     serving" in said, said
    assert machine.run("pgrep -u pat", check=False).stdout == ""
    machine.run("userdel -r pat", check=False)


def test_the_one_that_becomes_users_can_do_nothing_else(machine):
    analysis = machine.run("systemd-analyze security --no-pager veredus-locald.service | tail -n 1")
    assert float(analysis.split(":")[1].split()[0]) <= 4, analysis
    status = machine.run("cat /proc/$(systemctl show --value -p MainPID veredus-locald.service)/status")
    assert "CapEff:\t00000000000000c0" in status and "CapBnd:\t00000000000000c0" in status, status  # setgid, setuid


def test_programs_of_the_host_send_mail(machine):
    machine.run("useradd --create-home ann; echo secret | veredus user add root")
    machine.run("echo hello | mail -s from-mail ann")
    assert "\nhello" in fetch(machine, "from-mail")
    assert "lost connection" not in machine.run("journalctl --no-pager -t veredus/submission/smtpd")
    machine.run("echo hello | s-nail -s from-s-nail ann")
    fetch(machine, "from-s-nail")
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
    machine.run("echo 'two: ann bob' >>/etc/aliases")
    refused = machine.run("newaliases", check=False)
    assert refused.returncode == 65 and "/etc/aliases:4: " in refused.stderr, refused
    machine.run("echo hello | mail -s to-it-again admin")
    fetch(machine, "to-it-again")


def send(machine, recipient, subject):
    machine.run(f"printf 'Subject: {subject}\\n\\nhello\\nFrom here\\n' | sendmail -f bob@b.example {recipient}")


def test_a_user_of_the_host_has_a_mailbox(machine):
    machine.run("useradd --create-home joe")
    send(machine, "joe", "to-joe")
    mailbox = machine.until("cat /var/mail/joe", "to-joe")
    assert mailbox.startswith("From bob@b.example ") and "\nDelivered-To: joe@mx.example.org\n" in mailbox, mailbox
    assert "\nhello\n>From here\n\n" in mailbox and "\r" not in mailbox
    assert machine.run("stat -c '%U %G %a' /var/mail/joe") == "joe mail 600\n"
    assert "to-joe" in machine.run("su joe -c 'echo headers | mail -f /var/mail/joe'", check=False).stdout
    assert machine.run("echo x | sendmail nobody-here", check=False).returncode == 67
    assert machine.run("printf 'EHLO a.example\\r\\nMAIL FROM:<>\\r\\nRCPT TO:<joe+x@mx.example.org>\\r\\n"
                       "RCPT TO:<\"|id\"@mx.example.org>\\r\\nQUIT\\r\\n' | nc -C 127.0.0.1 25 | tail -n 3 | cut -c1-3").split() == ["250", "550", "221"]


def test_a_forward_file_says_where_mail_goes(machine):
    machine.run("useradd --create-home kim")
    machine.run("""su kim -c 'printf "%s\\n" "\\\\kim, ann" "\\"|cat >got; id -nG >groups; exit 0\\"" "/home/kim/box" "/home/kim/Maildir/" >~/.forward'""")
    send(machine, "kim@mx.example.org", "to-kim")
    fetch(machine, "to-kim")
    assert "to-kim" in machine.until("cat /var/mail/kim", "to-kim")
    assert "Subject: to-kim" in machine.until("cat /home/kim/got", "to-kim")
    assert "to-kim" in machine.until("cat /home/kim/box", "to-kim")
    assert "to-kim" in machine.until("cat /home/kim/Maildir/new/*", "to-kim")
    assert machine.run("cat /home/kim/groups") == "kim\n"
    machine.until("journalctl --no-pager -t veredus/deliverd", 'orig_to=<kim@mx.example.org>, relay=local')


def test_a_forward_file_that_others_may_write_is_not_followed(machine):
    machine.run("chmod 666 /home/kim/.forward")
    send(machine, "kim", "untrusted")
    assert "untrusted" in machine.until("cat /var/mail/kim", "untrusted")
    assert "untrusted" not in machine.run("cat /home/kim/got")
    machine.until("journalctl --no-pager -t veredus/deliverd", "~kim/.forward: others than its owner may write to it: it is not followed")
    machine.run("chmod 600 /home/kim/.forward")


def test_forwards_that_lead_in_a_circle_end(machine):
    machine.run("useradd --create-home lee; su lee -c 'echo joe >~/.forward'; su joe -c 'echo lee >~/.forward'")
    send(machine, "lee", "circle")
    machine.until("journalctl --no-pager -t veredus/deliverd", "mail loop: the alias lee@mx.example.org leads only to itself")
    machine.run("rm /home/joe/.forward /home/lee/.forward")


def test_a_program_that_fails_for_now_is_tried_again_and_one_that_refuses_is_told_of(machine):
    machine.run("""su lee -c 'printf "%s\\n" "\\"|test -e open && cat >got || exit 75\\"" >~/.forward'""")
    send(machine, "lee", "later")
    machine.until("mailq", "ended with status 75")
    assert '"|test -e open' in machine.run("mailq")
    machine.run("su lee -c 'touch ~/open'; veredus queue retry all")
    assert "later" in machine.until("cat /home/lee/got", "later")
    machine.run("""su lee -c 'echo "\\"|echo no such thing; exit 69\\"" >~/.forward'""")
    machine.run("printf 'Subject: refused\\n\\nhello\\n' | sendmail -f ann lee")
    assert "no such thing" in fetch(machine, "could not be delivered")


def test_programs_files_and_lists_of_the_alias_file(machine):
    machine.run("sed -i /^two:/d /etc/aliases; mkdir -m 1777 /srv/out; printf 'joe, ann\\n' >/etc/members; "
                "printf 'prog: \"|id -un >/srv/out/who; cat >/srv/out/got\"\\nfile: /srv/out/box\\nlist: :include:/etc/members\\nnull: /dev/null\\n' "
                ">>/etc/aliases && newaliases")
    for name in ("prog", "file", "list", "null"):
        send(machine, name, f"to-{name}")
    assert "to-prog" in machine.until("cat /srv/out/got", "to-prog")
    assert machine.run("cat /srv/out/who") == "nobody\n"
    assert "to-file" in machine.until("cat /srv/out/box", "to-file")
    fetch(machine, "to-list")
    assert "to-list" in machine.until("cat /var/mail/joe", "to-list")
    machine.until("journalctl --no-pager -t veredus/deliverd", "given to /dev/null")


def test_what_the_files_do_not_name_is_not_done(machine):
    """An address that looks like a program of a user's, out of an alias that the administrator typed."""
    machine.run("veredus alias add sly@mx.example.org '\"|touch /srv/out/done\"@mx.example.org'", check=False)
    send(machine, "sly", "sly")
    machine.until("journalctl --no-pager -t veredus/deliverd", 'touch /srv/out/done" any more')
    assert "done" not in machine.run("ls /srv/out")
    machine.run("veredus alias remove sly")


def test_mail_for_an_account_that_is_no_person_s_is_root_s(machine):
    send(machine, "www-data", "to-www")
    fetch(machine, "to-www", user="root:secret")


def test_mail_for_root_waits_in_var_mail_where_root_is_nobody(machine):
    machine.run("veredus user remove root; veredus user remove ann")
    send(machine, "postmaster", "to-root")
    assert "to-root" in machine.until("cat /var/mail/root", "to-root")
    assert machine.run("stat -c %U /var/mail/root") == "mail\n"
    machine.run("echo secret | veredus user add ann; echo secret | veredus user add root")


def test_a_user_s_mail_waits_while_locald_is_away(machine):
    machine.run("systemctl stop veredus-link-host_user.socket veredus-link-host_delivery.socket veredus-locald.service")
    assert machine.run("echo x | sendmail joe", check=False).returncode == 75
    assert machine.run("echo x | sendmail ann", check=False).returncode == 0
    machine.run("systemctl start veredus-link-host_user.socket veredus-link-host_delivery.socket veredus-locald.service")
    serves(machine)


def test_cron_sends_mail(machine):
    machine.run("echo '* * * * * root echo from-cron-job' >/etc/cron.d/veredus-test; chmod 644 /etc/cron.d/veredus-test")
    machine.until("curl -s imap://localhost/INBOX -u root:secret -X 'SEARCH BODY \"from-cron-job\"' | tr '0-9' N", "SEARCH N", seconds=75)
    machine.run("rm /etc/cron.d/veredus-test")


def test_a_program_in_a_service_with_no_new_privileges_sends_mail(machine):
    machine.run("systemd-run --quiet --wait --pipe -p NoNewPrivileges=yes -p DynamicUser=yes sh -c "
                "'printf \"Subject: from-service\\n\\nhello\\n\" | /usr/sbin/sendmail ann'")
    fetch(machine, "from-service")


def test_readers_of_mail_logs_read_the_journal(machine):
    machine.run("curl -s imap://localhost/INBOX -u ann:wrong; curl -s pop3://localhost/ -u ann:wrong; "
                "printf 'Subject: x\\n\\nx\\n' | curl -s -k --ssl smtp://localhost:587 -u ann:wrong --mail-from ann --mail-rcpt ann -T -", check=False)
    found = machine.run("fail2ban-regex --out ip systemd-journal veredus").split()
    assert found.count("127.0.0.1") + found.count("::1") == 3, found
    assert "enabled" in machine.run("fail2ban-client -d | grep veredus || echo not enabled")
    machine.run("printf 'LogFile =\\nLogFile = none\\n*JournalCtl = \"--output=short --facility=mail\"\\n' >/etc/logwatch/conf/services/veredus.conf")
    report = machine.run("logwatch --service veredus --range all --detail 10 --output stdout")
    machine.run("rm /etc/logwatch/conf/services/veredus.conf")
    assert "Veredus Begin" in report and "SASL authentication failed" in report and "Delivered" in report, report
    totals = machine.run("journalctl --output=short --facility=mail | pflogsumm --syslog-name=veredus")
    assert " received\n" in totals and not totals.split("messages")[1].lstrip().startswith("0 "), totals


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
    assert "did you mean recipients?" in machine.run("veredus reload 2>&1 || true")
    serves(machine)
    machine.run("cp good.toml /etc/veredus/veredus.toml && systemctl reload veredus")
    serves(machine)


def test_a_drop_in_counts_and_is_shown(machine):
    machine.run("printf '[limits]\\nrecipients = 200\\n' >/etc/veredus/veredus.d/50-test.toml; veredus config check")
    machine.run("veredus reload")
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


def test_a_restart_in_the_midst_of_a_message_lets_it_come_to_its_end(machine):
    said = machine.run("bash", input=r"""
exec 3<>/dev/tcp/127.0.0.1/25
say() { printf "$1\r\n" >&3; read -t 20 -r line <&3; echo "$line"; }
read -r line <&3
say 'HELO a.example'; say 'MAIL FROM:<bob@b.example>'; say 'RCPT TO:<ann@mx.example.org>'; say DATA
printf 'Subject: in-two-halves\r\n\r\nfirst half\r\n' >&3
systemctl restart veredus &
until [ "$(systemctl show --value -p SubState veredus-smtpd)" != running ]; do sleep 0.1; done
say 'second half\r\n.'
wait
""")
    assert said.splitlines()[-1].startswith("250 "), said
    serves(machine)
    assert "first half\nsecond half\n" in fetch(machine, "in-two-halves")


def shown(machine):
    """The common name of the certificate of each port that speaks TLS from the start."""
    said = machine.run("for port in 465 993 995; do curl -kvs https://127.0.0.1:$port 2>&1 | grep '^[*]  subject:'; done", check=False).stdout
    return {line.rsplit("CN=", 1)[1] for line in said.splitlines()}


def test_a_renewed_certificate_serves_at_once(machine, tmp_path):
    archive = machine.root / "etc/letsencrypt/archive"
    live = machine.root / "etc/letsencrypt/live"
    for directory in (archive, live):
        directory.mkdir(parents=True, mode=0o700)
    for name in ("first", "second"):
        certificates.make(archive, name)
    for kind, file in (("pem", "fullchain.pem"), ("key", "privkey.pem")):
        certificates.link(f"../archive/first.{kind}", live / file)
    before = shown(machine)
    machine.run("printf '[tls]\\ncertificate = \"/etc/letsencrypt/live/fullchain.pem\"\\nkey = \"/etc/letsencrypt/live/privkey.pem\"\\n' "
                ">/etc/veredus/veredus.d/tls.toml; systemctl reload veredus")
    assert before == {"mx.example.org"}
    machine.until("curl -kvs https://127.0.0.1:993 2>&1 | grep subject:", "CN=first")
    assert shown(machine) == {"first"}
    pid = machine.run("systemctl show --value -p MainPID veredus-imapd.service")
    certificates.link("../archive/second.pem", live / "fullchain.pem")
    machine.until("journalctl --no-pager -t veredus/certificate", "it does not belong to its key; the certificate in use stays")
    certificates.link("../archive/second.key", live / "privkey.pem")
    machine.until("curl -kvs https://127.0.0.1:993 2>&1 | grep subject:", "CN=second")
    assert shown(machine) == {"second"}
    assert machine.run("systemctl show --value -p MainPID veredus-imapd.service") == pid
    machine.run("rm /etc/veredus/veredus.d/tls.toml; systemctl reload veredus")


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
    assert machine.run("dpkg-query -W -f '${Version}' veredus-mta").endswith("~older")
    machine.run("apt-get install --yes ./newer/veredus-*.deb", timeout=400)
    serves(machine)
    assert not machine.run("dpkg-query -W -f '${Version}' veredus-mta").endswith("~older")
    assert "bob@nowhere.example" in machine.run("mailq")
    fetch(machine, "from-mail")


def test_mail_outlives_remove_and_purge(machine):
    machine.run("apt-get remove --yes veredus-common && apt-get purge --yes veredus-mta veredus-access veredus-common", timeout=400)
    assert machine.run("find /var/lib/veredus/mail -type f | head -n 1") != ""
    assert machine.run("ls /var/spool/veredus") != ""
    assert machine.run("ls /etc/veredus", check=False).returncode != 0
    assert machine.run("ss -Hltn") == ""
    install(machine, "./newer")
    serves(machine)
    assert "bob@nowhere.example" in machine.run("mailq")
    fetch(machine, "from-mail")


def test_nothing_is_left_where_there_was_no_mail(machine):
    machine.run("veredus queue delete --yes all && veredus user remove ann && veredus user remove root; rm -rf /var/lib/veredus/mail/*")
    machine.run("apt-get purge --yes veredus-mta veredus-access veredus-common", timeout=400)
    left = machine.run("find /etc /var /run /usr -xdev -name '*veredus*' -not -path '/var/lib/systemd/*' -not -path '/var/log/*' "
                       "-not -path '/var/cache/*'")
    assert left == "", left
