"""Programs of Debian packages that are not installed: their mail servers exclude one another, and all are wanted."""

import subprocess
import sys

from harness.instance import ROOT

CACHE = ROOT / "build" / "peers"


def unpacked(*packages):
    """A directory with the files of the packages, and of the libraries they need that this host does not have."""
    place = CACHE / packages[0]
    root, done = place / "root", place / "complete"
    if done.exists():
        return root
    print(f"bench: fetching {', '.join(packages)} from Debian, unpacked below {place}", file=sys.stderr, flush=True)
    root.mkdir(parents=True, exist_ok=True)
    run("apt-get", "download", *packages, *missing_libraries(packages), cwd=place)
    for archive in sorted(place.glob("*.deb")):
        run("dpkg-deb", "-x", archive.name, "root", cwd=place)
    done.touch()
    return root


def missing_libraries(packages):
    plan = run("apt-get", "-s", "--no-install-recommends", "install", *packages)
    wanted = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    return [name for name in wanted if name.startswith("lib")]


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
