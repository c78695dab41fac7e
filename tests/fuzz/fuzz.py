#!/usr/bin/python3
"""Runs every fuzzer of build-fuzz for a while, as many at a time as there are processors.

usage: fuzz.py [SECONDS] [WORD...]    (60 seconds each; only fuzzers with a WORD in their name)

Starts from the seeds in the tree; what it finds on the way is kept in build-fuzz/corpus. A crash is printed with the
input that causes it, to be mended and then laid beside the seeds, which every `./dev test` runs.
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BUILD = HERE.parent.parent / "build-fuzz"


def fuzz(program, seconds):
    name = program.name.removeprefix("fuzz_")
    corpus = BUILD / "corpus" / name
    findings = BUILD / "findings" / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    dictionary = HERE / "seeds" / f"{name}.dict"
    command = [program, corpus, HERE / "seeds" / name, f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=2048",
               f"-artifact_prefix={findings}/", "-print_final_stats=1", "-verbosity=0"]
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    runs = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    return name, done.returncode, runs[0] if runs else "?", done.stderr


def main():
    arguments = sys.argv[1:]
    seconds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 60
    programs = [program for program in sorted((BUILD / "tests" / "fuzz").glob("fuzz_*"))
                if program.is_file() and os.access(program, os.X_OK)
                and (not arguments or any(word in program.name for word in arguments))]
    if not programs:
        sys.exit("fuzz: there is no fuzzer of that name")
    jobs = os.cpu_count() or 1
    print(f"{len(programs)} fuzzers, {seconds} s each, {jobs} at a time", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, code, runs, output in pool.map(lambda program: fuzz(program, seconds), programs):
            print(f"  {name}: {runs} inputs, {'nothing found' if code == 0 else 'FOUND SOMETHING'}", flush=True)
            if code != 0:
                failed += 1
                print("\n".join(output.splitlines()[-60:]), flush=True)
    print(f"{len(programs) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
