"""The language of tests/conversation itself: a pattern that fits everything would pass everything."""

import pytest

from harness.dialogue import ScriptError, mail_fits, read_script, to_regex, to_send
from harness.instance import set_settings


def fits(pattern, line, variables=None):
    found = to_regex(pattern, variables or {}).fullmatch(line)
    return found and found.groupdict()


def test_patterns():
    assert fits("250 ...", "250 OK") == {}
    assert fits("250 ...", "251 OK") is None
    assert fits("250 ok", "250 ok and more") is None
    assert fits("* 1 FETCH (FLAGS (\\Seen))", "* 1 FETCH (FLAGS (\\Seen))") == {}
    assert fits("queued as ${id}", "queued as 0ABC") == {"id": "0ABC"}
    assert fits("${a} ${b}", "one two three") is None
    assert fits("${id} again", "0ABC again", {"id": "0ABC"}) == {}
    assert fits("${id} again", "0DEF again", {"id": "0ABC"}) is None
    assert fits("${x} and ${x}", "1 and 2") is None
    assert fits("+\\x20", "+ ") == {}
    assert fits("...", "") == {}


def test_what_is_sent():
    assert to_send("AUTH ${base64 \"\\0a\\0b\"}", {}) == b"AUTH AGEAYg=="
    assert to_send('${"ab"*3}\\r\\n\\0\\xff\\\\Seen \\Seen', {}) == b"ababab\r\n\0\xff\\Seen \\Seen"
    assert to_send("${id}.", {"id": "7"}) == b"7."
    with pytest.raises(ScriptError):
        to_send("${unknown}", {})


def test_expected_mail():
    raw = b"A: 1\r\nB: 2\r\nC: 3\r\n\r\nbody\r\n"
    assert mail_fits(["A: 1", "...", "", "body"], raw, {}) is None
    assert mail_fits(["...", "C: ${c}", "...", "body"], raw, {}) is None
    assert mail_fits(["..."], raw, {}) is None
    for wrong in (["A: 1"], ["A: 1", "B: 2", "", "body"], ["...", "D: 4", "..."], ["...", "body", "more"], ["B: 2", "..."], []):
        assert mail_fits(wrong, raw, {}) is not None, wrong


def test_reading_a_script(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("# why\ninstance users=alice\n    [limits]\n    idle = \"1s\"\n\n== one\nconnect smtp\nA C: x\n\n== two\n"
                    "mailbox alice\n    a\n\n    b\n\nclosed\n")
    script = read_script(path)
    assert script.options == {"users": "alice"} and script.settings == '[limits]\nidle = "1s"'
    assert [dialogue.name for dialogue in script.dialogues] == ["one", "two"]
    assert script.dialogues[0].steps[1].client == "A"
    assert script.dialogues[1].steps[0].block == ["a", "", "b"]


def test_settings_are_put_where_they_belong():
    text = 'hostname = "a"\n\n[queue]\n# paused = false\nretry_max = "4h"\n\n[limits]\n'
    changed = set_settings(text, {"queue": {"paused": True, "retry_max": "1s"}, "routes": {"*": "[::1]:25"}, "hostname": "b"})
    assert 'hostname = "b"' in changed and "paused = true" in changed.split("[limits]")[0].split("[queue]")[1]
    assert changed.count("retry_max") == 1 and '[routes]\n"*" = "[::1]:25"' in changed
