"""The disk that is measured, and what it can do by itself."""

import contextlib
import fcntl
import mmap
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from harness.instance import BUILD

IMAGE_SIZE = 8 << 30


def in_a_namespace_of_our_own():
    """Begins anew in a private mount namespace, so that whatever is mounted goes with us."""
    if os.geteuid() == 0 and "VEREDUS_BENCH_PRIVATE" not in os.environ:
        os.environ["VEREDUS_BENCH_PRIVATE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


@contextlib.contextmanager
def workplace(kind):
    """A directory on the disk of `kind`: native, journalled or sparse."""
    base = pathlib.Path(os.environ.get("VEREDUS_BENCH_DIR", BUILD / "bench"))
    base.mkdir(parents=True, exist_ok=True)
    place = pathlib.Path(tempfile.mkdtemp(prefix="b-", dir=base))
    place.chmod(0o755)
    try:
        if kind == "native":
            yield place
        else:
            with journalled(place, sparse=kind == "sparse") as mounted:
                yield mounted
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def journalled(place, sparse):
    """An ext4 with a journal in a loop image. As a disk does, it has all its blocks and no cache of the kernel's below the file
    system's; a sparse one finds a block for each first write, and keeps all bytes in the cache twice until a sync."""
    image, mounted = place / "image", place / "journalled"
    with image.open("wb") as file:
        if sparse:
            file.truncate(IMAGE_SIZE)
        else:
            zeros = bytes(1 << 20)
            for _ in range(IMAGE_SIZE // len(zeros)):
                file.write(zeros)
            os.fsync(file.fileno())
    mounted.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "has_journal", "-E", "lazy_itable_init=0,lazy_journal_init=0", image], check=True)
    direct = "off" if sparse else "on"
    losetup = ["losetup", "--find", "--show", f"--direct-io={direct}", image]
    device = subprocess.run(losetup, check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["mount", device, mounted], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)  # once it is no longer mounted
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)
        image.unlink()


def filesystem(place):
    """Its kind and options, from /proc/mounts."""
    best = ("", "", "")
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if pathlib.Path(where) in [place, *place.parents] and len(where) >= len(best[0]):
            best = (where, kind, options)
    return best[1], best[2]


def has_journal(place):
    """Whether the ext4 that `place` lies on has one; the kernel lists those that have."""
    device = subprocess.run(["findmnt", "--noheadings", "--output", "SOURCE", "--target", place], capture_output=True, text=True)
    name = pathlib.Path(device.stdout.strip()).name
    return bool(name) and any(pathlib.Path("/proc/fs/jbd2").glob(f"{name}-*"))


def limits(place, seconds=1.0):
    """What the disk does alone: synced appends a second of 4 KiB and of 64 of them together, and MB/s written in one go, by way of the
    kernel's cache and past it (None where the file system has no such way)."""
    result = {}
    with tempfile.TemporaryFile(dir=place) as file:
        for name, size in (("append", 4096), ("group", 64 * 4096)):
            count, block, begun = 0, os.urandom(size), time.monotonic()
            while time.monotonic() - begun < seconds:
                os.write(file.fileno(), block)
                os.fdatasync(file.fileno())
                count += 1
            result[name] = count / (time.monotonic() - begun)
        result["stream"] = stream(file.fileno(), seconds)
        try:
            fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_DIRECT)
            os.ftruncate(file.fileno(), 0)
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            result["direct"] = stream(file.fileno(), seconds)
        except OSError:
            result["direct"] = None
    return result


def stream(descriptor, seconds):
    """MB/s, a MiB at a time, from memory that begins with a page."""
    with mmap.mmap(-1, 1 << 20) as block:
        block.write(os.urandom(len(block)))
        written, begun = 0, time.monotonic()
        while time.monotonic() - begun < seconds:
            written += os.write(descriptor, block)
        os.fdatasync(descriptor)
        return written / 1e6 / (time.monotonic() - begun)
