"""A place where a program finds its files, users and directories at the paths it was built with, and nobody else does."""

import os
import pathlib
import subprocess

# Above those of a host's own system users, below those of people.
FIRST_ID = 790


class Room:
    """with Room(place, root, users=["exim"], files={"/etc/x": "…"}, directories={"/var/spool/x": ("exim", 0o750)}) as room: …

    A mount namespace in which the files below `root` (of unpacked packages) lie over those of the host, and with them the
    files and users named. The directories, each with its owner and mode, are those of the disk that is measured: `place`/NAME;
    `room.real("/var/spool/x")` is their path outside. /run is empty. All of it ends with the room. Needs root.
    """

    def __init__(self, place, root, users=(), files=None, directories=None):
        self._place, self._root = pathlib.Path(place), pathlib.Path(root)
        self._holder = None
        self.ids = {user: FIRST_ID + number for number, user in enumerate(users)}
        self._directories = directories or {}
        self._layer = self._place / "layer"
        for path, text in {**(files or {}), **self._accounts()}.items():
            self.write(path, text)
        for path in self._directories:
            (self._layer / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
            self.make(path)

    def write(self, path, text):
        """A file as the room sees it; to be written before the room is entered."""
        file = self._layer / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def make(self, path):
        """The directory behind `path`, empty."""
        real = self.real(path)
        real.mkdir(parents=True, exist_ok=True)
        owner, mode = self._directories[path]
        os.chown(real, self.ids.get(owner, 0), self.ids.get(owner, 0))
        real.chmod(mode)

    def real(self, path):
        return self._place / path.strip("/").replace("/", "-")

    def _accounts(self):
        users, groups = pathlib.Path("/etc/passwd").read_text(), pathlib.Path("/etc/group").read_text()
        for name, number in self.ids.items():
            users += f"{name}:x:{number}:{number}::/var/lib/empty:/usr/sbin/nologin\n"
            groups += f"{name}:x:{number}:\n"
        return {"/etc/passwd": users, "/etc/group": groups}

    def __enter__(self):
        lines = ["set -e"]
        for top in ("/usr", "/etc", "/var"):
            layers = [str(each) for each in (self._layer / top[1:], self._root / top[1:]) if each.is_dir()]
            if layers:
                lines.append(f"mount -t overlay overlay -o ro,lowerdir={':'.join([*layers, top])} {top}")
        lines.append("mount -t tmpfs tmpfs /run")
        lines += [f"mount --bind '{self.real(path)}' {path}" for path in self._directories]
        self._holder = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                         "\n".join([*lines, "echo", "exec sleep infinity"])],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if not self._holder.stdout.readline():
            raise RuntimeError(f"no room for {self._root}: {self._holder.stderr.read()}")
        return self

    def __exit__(self, *_):
        if self._holder:
            self._holder.kill()
            self._holder.wait()

    def command(self, *arguments):
        return ["nsenter", "--target", str(self._holder.pid), "--mount", *map(str, arguments)]

    def run(self, *arguments, **options):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, errors="replace", **options)

    def start(self, *arguments, log):
        return subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
