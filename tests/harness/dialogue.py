"""Reads the dialogues of tests/conversation (see README.md there) and turns their patterns into regular expressions."""

import base64
import dataclasses
import re


@dataclasses.dataclass
class Step:
    line: int  # in the file; 1 is the first
    text: str  # as written
    client: str = ""
    block: list = dataclasses.field(default_factory=list)  # lines indented below it, without the indentation


@dataclasses.dataclass
class Dialogue:
    name: str
    steps: list


@dataclasses.dataclass
class Script:
    options: dict
    settings: str  # lines of veredus.toml
    dialogues: list


class ScriptError(Exception):
    """The dialogue itself is wrong."""


CLIENT = re.compile(r"(?P<client>[A-Z]\w*) (?=C:|C raw:|C file:|C lines:|S:|S~|S until:|S any:|S lines:|connect |closed|close\b|reset|starttls)")


def read_script(path):
    script = Script({}, "", [])
    steps = []
    for number, line in enumerate(path.read_text().split("\n"), 1):
        stripped = line.rstrip()
        if line.startswith("    "):
            if not steps:
                raise ScriptError(f"{path.name}:{number}: an indented line belongs to no statement")
            steps[-1].block.append(line[4:].rstrip("\n"))
        elif not stripped:
            # An empty line among indented ones is part of them; those at the end are cut below.
            if steps and steps[-1].block:
                steps[-1].block.append("")
        elif stripped.startswith("=="):
            steps = []
            script.dialogues.append(Dialogue(stripped[2:].strip(), steps))
        elif stripped.startswith("#"):
            continue
        elif stripped.split()[0] == "instance" and not script.dialogues:
            steps = [Step(number, stripped)]
            script.options = options_of(stripped.split()[1:])
            script.settings = steps[0].block
        else:
            if not script.dialogues:
                steps = []
                script.dialogues.append(Dialogue(path.stem, steps))
            named = CLIENT.match(stripped)
            steps.append(Step(number, stripped[named.end():] if named else stripped, named["client"] if named else ""))
    for dialogue in script.dialogues:
        for step in dialogue.steps:
            while step.block and not step.block[-1]:
                step.block.pop()
    script.settings = "\n".join(script.settings).strip("\n")
    return script


def options_of(words):
    return dict(word.split("=", 1) for word in words if "=" in word)


ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([rnt0\\]))")


def unescape(text):
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else ESCAPES[found[2]], text)


PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
REPEAT = re.compile(r'"((?:[^"\\]|\\.)*)"\s*\*\s*(\d+)')
BASE64 = re.compile(r'base64 "((?:[^"\\]|\\.)*)"')


def to_send(text, variables):
    """What a C: line sends, as bytes (Latin-1 for \\xHH, UTF-8 for letters beyond)."""
    parts, at = [], 0
    for found in PLACEHOLDER.finditer(text):
        parts += [encode(unescape(text[at:found.start()])), generated(found[1], variables)]
        at = found.end()
    return b"".join([*parts, encode(unescape(text[at:]))])


def encode(text):
    return b"".join(char.encode("latin-1") if ord(char) < 256 else char.encode() for char in text)


def generated(inside, variables):
    if found := REPEAT.fullmatch(inside):
        return encode(unescape(found[1])) * int(found[2])
    if found := BASE64.fullmatch(inside):
        return base64.b64encode(encode(unescape(found[1])))
    if inside in variables:
        return encode(variables[inside])
    raise ScriptError(f"${{{inside}}} is not known")


def to_regex(pattern, variables):
    """A pattern of an S: line as a regular expression over one line; new names become its groups."""
    pieces = re.split(r"(\.\.\.|\$\{[^}]*\})", pattern)
    expression, new = "", set()
    for piece in pieces:
        if piece == "...":
            expression += ".*"
        elif piece.startswith("${"):
            inside = piece[2:-1]
            if inside.isidentifier() and inside not in variables:
                expression += f"(?P={inside})" if inside in new else rf"(?P<{inside}>\S+)"
                new.add(inside)
            else:
                expression += re.escape(generated(inside, variables).decode("latin-1"))
        else:
            expression += re.escape(encode(unescape(piece)).decode("latin-1"))
    return re.compile(expression, re.DOTALL)


def mail_fits(expected, raw, variables):
    """Whether the lines of a message fit the expected ones; a line `...` alone stands for any number of lines.
    Returns None, or what did not fit."""
    lines = raw.decode("latin-1").split("\r\n")
    if lines[-1] == "":
        lines.pop()
    at, skipping = 0, False
    for pattern in expected:
        if pattern.strip() == "...":
            skipping = True
            continue
        expression = to_regex(pattern, variables)
        while True:
            found = expression.fullmatch(lines[at]) if at < len(lines) else None
            if found:
                variables.update(found.groupdict())
                break
            if not skipping or at >= len(lines):
                got = repr(lines[at]) if at < len(lines) else "the end"
                return f"expected the line {pattern!r}, the message has {got} (its line {at + 1})"
            at += 1
        at, skipping = at + 1, False
    if not skipping and at < len(lines):
        return f"the message goes on after the last line expected: {lines[at]!r}"
    return None
