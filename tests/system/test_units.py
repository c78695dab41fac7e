"""The units of systemd, judged by systemd without being run."""

import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["VEREDUS_BUILD"])
# Who becomes users may do more.
LIMITS = {"veredus-locald.service": 4.0, "veredus-deliverd.service": 4.0}


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    directory = tmp_path_factory.mktemp("units")
    subprocess.run([BUILD / "tools/veredus/make_units", "/units"], check=True, env={**os.environ, "DESTDIR": str(directory)})
    return directory / "units"


def test_services_can_do_little(units):
    services = [unit for unit in units.glob("veredus-*.service")]
    assert len(services) == 11
    for unit in services:
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True)
        last = done.stdout.splitlines()[-1]
        assert float(last.split(":")[1].split()[0]) <= LIMITS.get(unit.name, 2.5), last


def test_units_are_written_as_systemd_reads_them(units):
    """What is wrong with a line stands in front of what is missing on this host: programs, man pages."""
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units.glob("veredus*")], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"})
    wrong = [line for line in done.stderr.splitlines() if "veredus" in line and "is not executable" not in line]
    assert wrong == []


def test_the_passwords_of_routes_are_relayds(units):
    for unit in units.glob("veredus-*d.service"):
        relayd = unit.name == "veredus-relayd.service"
        text = unit.read_text()
        assert ("InaccessiblePaths=-/run/veredus/config.relayd\n" in text) != relayd, unit.name
        assert ("VEREDUS_CONFIG=/run/veredus/config.relayd/veredus.toml\n" in text) == relayd, unit.name
