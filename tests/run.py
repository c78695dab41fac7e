#!/usr/bin/python3
"""Runs every test of a build and ends with the line `N passed, N failed`.

usage: run.py [WORD...]    (only tests with a WORD in their name)

VEREDUS_BUILD names the build directory (default ./build), VEREDUS_TEST_JOBS how many tests run at a time,
VEREDUS_CRASH_ROUNDS how often the crash test kills everything.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("VEREDUS_BUILD", ROOT / "build")).resolve()
JOBS = int(os.environ.get("VEREDUS_TEST_JOBS", 0)) or max(4, os.cpu_count() or 1)
# Boost.Test's own counts, from --report_level=short.
PASSED = re.compile(r"(\d+) test cases? out of \d+ passed")
FAILED = re.compile(r"(\d+) test cases? out of \d+ (?:failed|aborted)")


def say(text):
    print(text, flush=True)


def executables(words):
    listed = subprocess.run(["/usr/bin/meson", "introspect", "--tests", BUILD], capture_output=True, text=True, check=True)
    for test in json.loads(listed.stdout):
        if any(suite.endswith("fuzz") for suite in test["suite"]) or test["name"].startswith("seeds_"):
            kind = "fuzz"
        else:
            kind = "unit"
        if not words or any(word in f"{kind} {test['name']}" for word in words):
            yield kind, test


def run_executable(kind, test):
    """(name, passed, failed, output)"""
    arguments = ["--report_level=short", "--log_level=error"] if is_boost_test(test) else []
    environment = dict(os.environ, **test["env"])
    started = time.monotonic()
    try:
        done = subprocess.run(test["cmd"] + arguments, cwd=test["workdir"] or BUILD, env=environment, capture_output=True,
                              text=True, errors="replace", timeout=float(test["timeout"] or 30) * patience())
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output, code = f"{late.stdout!r}\n{late.stderr!r}\nstopped after {late.timeout:.0f} s", 1
    passed = sum(map(int, PASSED.findall(output)))
    failed = sum(map(int, FAILED.findall(output)))
    if code != 0 and failed == 0:  # it crashed, or is no Boost.Test
        failed = 1
    if code == 0 and passed == 0:
        passed = 1
    return f"{kind} {test['name']} ({time.monotonic() - started:.1f} s)", passed, failed, output


def is_boost_test(test):
    return "unit" in pathlib.Path(test["cmd"][0]).name


def patience():
    return 10 if "sanitize" in BUILD.name else 2


def run_executables(words):
    passed = failed = 0
    tests = list(executables(words))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, good, bad, output in pool.map(lambda each: run_executable(*each), tests):
            passed += good
            failed += bad
            if bad:
                say(f"FAILED {name}\n{output}")
    say(f"{len(tests)} executables: {passed} passed, {failed} failed")
    return passed, failed


def run_pytest(words):
    report = BUILD / "pytest.xml"
    report.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-m", "pytest", ROOT / "tests", "-c", ROOT / "tests" / "pytest.ini", "-q", "-n", str(JOBS),
               "--dist", "loadgroup", f"--junitxml={report}", "-rs"]
    if words:
        command += ["-k", " or ".join(words)]
    environment = dict(os.environ, VEREDUS_BUILD=str(BUILD), PYTHONDONTWRITEBYTECODE="1")
    environment.setdefault("VEREDUS_TEST_PATIENCE", str(patience() / 2))
    done = subprocess.run(command, cwd=ROOT, env=environment)
    if done.returncode == 5:  # nothing collected
        return 0, 0
    if not report.exists():
        return 0, 1
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        for key in counts:
            counts[key] += int(suite.get(key, 0))
    failed = counts["failures"] + counts["errors"]
    if done.returncode != 0 and failed == 0:
        failed = 1
    return max(0, counts["tests"] - failed - counts["skipped"]), failed


def main():
    words = sys.argv[1:]
    started = time.monotonic()
    passed, failed = run_executables(words)
    more_passed, more_failed = run_pytest(words)
    passed, failed = passed + more_passed, failed + more_failed
    say(f"({time.monotonic() - started:.0f} s)")
    if passed + failed == 0:
        say(f"no test has {' or '.join(words)} in its name")
    say(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()
