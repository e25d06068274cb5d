"""The documentation site (`make docs`): pages are Markdown; what can be read from the code is.

Translations are messages in `locale/<language>/LC_MESSAGES` (`make translate`); a paragraph without one stays
English. The English site stands at the root, others in a folder called after their language.
"""

from __future__ import annotations

from importlib.metadata import version as version_of
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese

project = "Pyruns for Jupyter"
author = "Pyruns developers"
version = release = version_of("pyruns_jupyter")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_static", "locale", "figures"]
templates_path = ["_templates"]
myst_heading_anchors = 3
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False  # translations do not change with every line that moves
default_role = "code"  # docstrings name things as Markdown does

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
add_module_names = False

# Sphinx 9.0 puts the stemmer for English words in Chinese pages, but calls it by the name of the language.
SearchChinese.language_name = "English"

html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme = "pydata_sphinx_theme"
html_title = project
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_end": ["demo", "language", "theme-switcher"],
}
html_sidebars = {"start": []}


def write_llms_txt(app: Sphinx, error: Exception | None) -> None:
    """Write `llms.txt`, a list of all pages for language models; see https://llmstxt.org."""
    if error is not None or app.builder.name != "html" or app.config.language != "en":
        return
    lines = [
        f"# {project}",
        "",
        "> Sweeps, a GPU queue and live metrics for scripts in JupyterLab.",
        "",
    ]
    lines += [
        f"- [{app.env.titles[name].astext()}]({app.builder.get_target_uri(name)})"
        for name in sorted(app.env.found_docs)
    ]
    (Path(app.outdir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("build-finished", write_llms_txt)
