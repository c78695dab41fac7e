"""What the shells offer after a TAB."""

import os
import pathlib
import subprocess

import pytest

SCRIPTS = pathlib.Path(os.environ["VEREDUS_BUILD"]) / "tools/veredus/completions"
LINES = [("veredus qu", "queue"), ("veredus queue re", "reason= release retry"), ("veredus queue hold fr", "from="), ("veredus pause s", "sender"),
         ("veredus help sec", "security"), ("veredus -C x status --j", "--json")]


def bash(line):
    words = [f'"{word}"' for word in line.split(" ")]
    script = (f". {SCRIPTS}/veredus; compopt() {{ :; }}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _veredus; "
              'echo "${COMPREPLY[*]}"')
    return subprocess.run(["bash", "-euc", script], check=True, capture_output=True, text=True, timeout=60).stdout.split()


def zsh(line):
    """_describe is the shell's own; what it is given is looked at here."""
    words = [f'"{word}"' for word in line.split(" ")]
    script = ("_describe() { print -l -- ${candidates%%:*} }; _files() { }; compadd() { }; "
              f"words=({' '.join(words)}); CURRENT={len(words)}; . {SCRIPTS}/_veredus")
    offered = subprocess.run(["zsh", "-fc", script], check=True, capture_output=True, text=True, timeout=60).stdout.split()
    return [word for word in offered if word.startswith(line.split(" ")[-1])]


def fish(line):
    script = f"source {SCRIPTS}/veredus.fish; complete -C '{line}'"
    said = subprocess.run(["fish", "--no-config", "-c", script], check=True, capture_output=True, text=True, timeout=60).stdout
    return [offer.split("\t")[0] for offer in said.splitlines()]


@pytest.mark.parametrize("shell", [bash, zsh, fish])
@pytest.mark.parametrize("line,offered", LINES)
def test_words_of_the_grammar_are_offered(shell, line, offered):
    assert sorted(shell(line)) == offered.split()


@pytest.mark.parametrize("shell", [bash, zsh, fish])
def test_nothing_is_offered_after_what_takes_nothing(shell):
    assert [word for word in shell("veredus user list ") if not word.startswith("-")] == []
