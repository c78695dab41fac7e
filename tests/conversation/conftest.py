"""Each dialogue of each *.txt is a test; those of one file share an instance."""

import pytest

from harness.conversation import Conversation, Mismatch
from harness.dialogue import read_script
from harness.instance import Instance, short_directory


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".txt":
        return ScriptFile.from_parent(parent, path=file_path)
    return None


class ScriptFile(pytest.File):
    veredus = None

    def collect(self):
        self.script = read_script(self.path)
        for dialogue in self.script.dialogues:
            yield DialogueItem.from_parent(self, name=dialogue.name, dialogue=dialogue)

    def instance(self):
        """Started at the first dialogue that needs it."""
        if self.veredus is None:
            options = dict(self.script.options)
            users, domains = (tuple(filter(None, options.pop(key, default).split(",")))
                              for key, default in (("users", ""), ("domains", "example.org")))
            self.directory = short_directory()
            veredus = Instance(self.directory.__enter__() / "mx", users=users, domains=domains, **options)
            veredus.configure_text(self.script.settings)
            self.veredus = veredus.__enter__()
        return self.veredus

    def teardown(self):
        if self.veredus is not None:
            veredus, self.veredus = self.veredus, None
            try:
                veredus.__exit__(None, None, None)
            finally:
                self.directory.__exit__(None, None, None)


class DialogueItem(pytest.Item):
    def __init__(self, *, dialogue, **arguments):
        super().__init__(**arguments)
        self.dialogue = dialogue
        self.add_marker(pytest.mark.xdist_group(self.path.stem))

    def runtest(self):
        veredus = self.parent.instance()
        position = veredus.log.position()
        try:
            Conversation(veredus, self.path.parent).play(self.dialogue)
        except Mismatch:
            log = veredus.log.lines(position if veredus.log.position() >= position else 0)
            self.add_report_section("call", "log of veredus", "\n".join(log))
            raise

    def repr_failure(self, excinfo):
        if excinfo.errisinstance(Mismatch):
            return f"{self.path.name}, {excinfo.value}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        line = self.dialogue.steps[0].line if self.dialogue.steps else 1
        return self.path, line - 1, f"{self.path.stem}: {self.name}"
