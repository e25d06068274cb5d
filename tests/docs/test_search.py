"""The search of the documentation site."""

from __future__ import annotations

import re
import runpy
from unittest.mock import MagicMock

import pytest
from sphinx.search import IndexBuilder

from tests.support import ROOT


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_pages_have_the_stemmer_that_their_search_uses(language: str) -> None:
    runpy.run_path(str(ROOT / "docs" / "conf.py"))
    code = IndexBuilder(MagicMock(), language, {}, "").get_js_stemmer_code()  # it only stores the environment
    used = re.search(r"^window\.Stemmer = (\w+);", code, re.MULTILINE)  # Sphinx 8 has no such line
    assert re.search(rf"\bvar {used[1] if used else 'Stemmer'}\b", code)
