"""What a server's processes cost: CPU to the microsecond, those that have ended included, and memory."""

import contextlib
import os
import pathlib
import threading


class Group:
    """The processes that were started within `with group.inside():`, and all that came of them.

    As root they are a control group (version 2): its cpu.stat counts every process that ever was in it. Otherwise what
    /proc tells of the live ones and of the children they waited for, which is exact for a server whose processes stay.
    """

    def __init__(self, name):
        self._place = None
        self._own = None
        self._pids = lambda: []
        hierarchy = unified_hierarchy()
        if hierarchy and os.geteuid() == 0:
            place = hierarchy / f"veredus-bench-{os.getpid()}-{name}"
            with contextlib.suppress(OSError):
                place.mkdir()
                self._place, self._own = place, hierarchy / own_group()

    def follow(self, pids):
        """How to learn the processes where there are no control groups."""
        self._pids = pids

    @contextlib.contextmanager
    def inside(self):
        if not self._place:
            yield
            return
        (self._place / "cgroup.procs").write_text("0")
        try:
            yield
        finally:
            (self._own / "cgroup.procs").write_text("0")

    def processes(self):
        if not self._place:
            return self._pids()
        return [int(line) for line in (self._place / "cgroup.procs").read_text().split()]

    def cpu_seconds(self):
        if not self._place:
            return sum(map(cpu_of_process, self._pids()))
        fields = dict(line.split() for line in (self._place / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

    def pss_mib(self):
        return sum(map(pss_of_process, self.processes())) / 1024

    def end(self):
        """Ends what is left of them, and the group."""
        if not self._place:
            return
        with contextlib.suppress(OSError):
            (self._place / "cgroup.kill").write_text("1")
        for _ in range(200):
            with contextlib.suppress(OSError):
                self._place.rmdir()
                return
            threading.Event().wait(0.02)


def unified_hierarchy():
    """Where control groups of version 2 are mounted."""
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        fields = line.split()
        if fields[2] == "cgroup2":
            return pathlib.Path(fields[1])
    return None


def own_group():
    line = next(line for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    return line[3:].lstrip("/")


def cpu_of_process(pid):
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def pss_of_process(pid):
    """KiB; a page shared by n processes counts an n-th."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


class PeakPss:
    """with PeakPss(group) as peak: …; peak.mib

    Looking costs the processes time, so a round in which memory is measured measures no speed.
    """

    def __init__(self, group, pause=0.25):
        self._group, self._pause = group, pause
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mib = 0

    def _watch(self):
        while True:
            self.mib = max(self.mib, self._group.pss_mib())
            if self._done.wait(self._pause):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
