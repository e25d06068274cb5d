"""The package brings its translations along, as JupyterLab's server finds and joins them."""

from __future__ import annotations

from importlib.metadata import entry_points

from jupyterlab_server.translation_utils import get_installed_packages_locale, get_language_pack


def test_the_server_finds_our_chinese() -> None:
    assert [point.value for point in entry_points(group="jupyterlab.locale", name="pyruns_jupyter")] == [
        "pyruns_jupyter"
    ]
    found, problem = get_installed_packages_locale("zh_CN")
    assert not problem
    ours = found["pyruns_jupyter"]
    assert ours[""]["plural_forms"] == "nplurals=1; plural=0;"
    assert ours["Open in Pyruns"] == ["在 Pyruns 中打开"]
    pack, problem = get_language_pack("zh_CN")
    assert not problem
    assert pack["pyruns_jupyter"]["Dashboard"] == ["仪表板"]
    assert get_installed_packages_locale("de")[0] == {}
