"""The tree keeps its own rules (see tests/lint.py)."""

import shutil

import pytest

import lint


@pytest.mark.skipif(not shutil.which("clang-format-19"), reason="clang-format-19 is not installed")
def test_formatting():
    assert lint.unformatted() == []


def test_layers():
    assert lint.layer_breaches() == []


def test_lengths_of_functions_and_files():
    assert lint.too_long() == []
