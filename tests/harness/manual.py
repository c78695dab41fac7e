"""The examples in the manual."""

import re

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(text, prompt):
    """The (command, lines shown) of the blocks marked as console: "$ " is anybody's prompt, "# " root's."""
    found = []
    for kind, block in BLOCK.findall(text):
        if kind != "console":
            continue
        for line in block.splitlines():
            if line.startswith(("$ ", "# ")):
                found.append((line, []))
            else:
                found[-1][1].append(line)
    return [(line[2:], shown) for line, shown in found if line.startswith(prompt)]


def pattern(line):
    """A line as shown in the manual: "…" is anything, numbers and ids are others each time."""
    text = re.sub(r"\s+", " ", line.strip())
    parts = [r"\S+".join(r"\d+".join(re.escape(piece) for piece in re.split(r"\d+", part))
                         for part in re.split(r"\b[0-9A-Z]{13}\b", section)) for section in text.split("…")]
    return ".*".join(parts).replace(r"\ ", r"\s+")


def shows(output, shown):
    """The lines shown come in this order; a line with nothing but "…" is any number of them."""
    rest = [line.strip() for line in output.splitlines()]
    anywhere = False
    for line in shown:
        if line.strip() == "…":
            anywhere = True
            continue
        matches = [i for i, said in enumerate(rest) if re.fullmatch(pattern(line), said)]
        if not matches or (matches[0] != 0 and not anywhere):
            return False
        rest = rest[matches[0] + 1:]
        anywhere = False
    return anywhere or not rest or not shown
