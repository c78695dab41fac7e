"""The benchmark still runs: a short round of everything, of Veredus alone. What it measures here means nothing."""

import os
import subprocess
import sys

from harness.instance import ROOT, short_directory
from harness.log import PATIENCE


def bench(directory, *words):
    environment = dict(os.environ, VEREDUS_BENCH_DIR=str(directory))
    done = subprocess.run([sys.executable, ROOT / "tests" / "bench" / "bench.py", *words], capture_output=True, text=True,
                          timeout=12 * PATIENCE, env=environment)
    return done.returncode, done.stdout, done.stderr


def rows(report, heading):
    """The lines of the tables below a heading, cell by cell."""
    section = report.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]


def test_a_quick_run_measures_each_part():
    with short_directory() as disk:
        code, report, errors = bench(disk, "--quick", "--peers", "veredus")
        assert code == 0, report + errors
        assert not list(disk.iterdir()), "it leaves something behind"
    accepted = next(row for row in rows(report, "Accept") if row[1] == "veredus")
    assert float(accepted[2].replace(",", "")) > 0 and float(accepted[5]) > 0, accepted
    relayed = next(row for row in rows(report, "Relay") if row[1] == "veredus")
    assert float(relayed[2].replace(",", "")) > 0, relayed
    waiting = dict(row[:2] for row in rows(report, "Queue"))
    assert float(waiting["relay beside it, messages/s"].replace(",", "")) > 0, waiting
    idle, busy = (next(row for row in rows(report, "Fair") if row[0] == what) for what in ("nothing else", "a mailing drains"))
    assert int(idle[1]) >= 20 and int(busy[1]) >= 20, (idle, busy)


def test_a_word_it_does_not_know_is_refused_with_those_it_knows(tmp_path):
    code, _, errors = bench(tmp_path, "speed")
    assert code == 2
    assert "there is no 'speed'; there are accept, relay, queue, fair, profile" in errors
