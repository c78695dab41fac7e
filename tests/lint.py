#!/usr/bin/python3
"""./dev lint: the tree's formatting, layers and shape. tests/system/test_style.py runs the same as tests."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_MAX, FILE_MAX = 70, 500  # lines
# Lowest first; a folder may include those before it and itself. Daemons and tools never include one another.
LAYERS = ["common", "spool", "daemons", "tools"]
INCLUDE = re.compile(r'#include "([^"]+)"')
COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'', re.DOTALL)


def sources(*folders):
    for folder in folders or ("common", "spool", "daemons", "tools", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".cpp", ".h"):
                yield path


def name_of(path):
    return str(path.relative_to(ROOT))


def unformatted():
    program = shutil.which("clang-format-19") or shutil.which("clang-format")
    done = subprocess.run([program, "--dry-run", *sources()], cwd=ROOT, capture_output=True, text=True)
    return sorted({line.split(":")[0].removeprefix(f"{ROOT}/") for line in done.stderr.splitlines() if "[-Wclang-format-violations]" in line})


def layer_breaches():
    breaches = []
    for path in sources(*LAYERS):
        own = path.relative_to(ROOT).parts
        for included in INCLUDE.findall(path.read_text()):
            parts = included.split("/")
            if parts[0] not in LAYERS:
                breaches.append(f"{name_of(path)} includes {included}, which does not count from the root")
            elif LAYERS.index(parts[0]) > LAYERS.index(own[0]):
                breaches.append(f"{name_of(path)} includes {included} from a layer above")
            elif parts[0] in ("daemons", "tools") and own[:2] != tuple(parts[:2]) and parts[1] != "shared":
                breaches.append(f"{name_of(path)} includes {included} of another program")
    return breaches


def blank(match):
    """As many lines, nothing on them."""
    return "\n" * match.group(0).count("\n")


def functions(text):
    """(first line, lines, heading) of each function body: a block that follows a closing parenthesis and stands in nothing
    but namespaces and types."""
    text = COMMENT_OR_STRING.sub(blank, text)
    text = re.sub(r"^[ \t]*#.*(?:\\\n.*)*", blank, text, flags=re.MULTILINE)
    stack, heading, line = [], "", 1
    for char in text:
        line += char == "\n"
        if char == "{":
            outer = all(kind == "scope" for kind, _, _ in stack)
            if re.search(r"\b(namespace|class|struct|enum|union|extern)\b[^()=;]*$", heading):
                kind = "scope"
            elif outer and ")" in heading and not re.search(r"=\s*$", heading):
                kind = "function"
            else:
                kind = "other"
            stack.append((kind, line, " ".join(heading.split())[-80:]))
            heading = ""
        elif char == "}":
            if stack:
                kind, first, what = stack.pop()
                if kind == "function":
                    yield first, line - first + 1, what
            heading = ""
        elif char == ";":
            heading = ""
        else:
            heading += char


def too_long():
    found = []
    for path in sources():
        text = path.read_text()
        lines = text.count("\n")
        if lines > FILE_MAX:
            found.append(f"{name_of(path)} has {lines} lines")
        for first, length, heading in functions(text):
            if length > FUNCTION_MAX:
                found.append(f"{name_of(path)}:{first} has a function of {length} lines: {heading}")
    return found


def main():
    bad = False
    for title, findings in (("not formatted (clang-format-19 -i)", unformatted()), ("layers", layer_breaches()),
                            (f"functions over {FUNCTION_MAX} or files over {FILE_MAX} lines", too_long())):
        for finding in findings:
            bad = True
            print(f"{title}: {finding}")
    lengths = sorted(((length, f"{name_of(path)}:{first}") for path in sources() for first, length, _ in functions(path.read_text())), reverse=True)
    print(f"{len(lengths)} functions; the longest: " + ", ".join(f"{length} {place}" for length, place in lengths[:5]))
    sys.exit(bad)


if __name__ == "__main__":
    os.chdir(ROOT)
    main()
