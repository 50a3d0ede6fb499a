"""One JupyterLab in one browser for all tests of this folder: to start them takes longer than most of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

import browser


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's notebooks are, each test's under names of its own, and screenshots."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "notebooks").mkdir()
    (folder / "shots").mkdir()
    return folder


@pytest.fixture(scope="package")
def server(folder: Path) -> Iterator[str]:
    """The address of a Jupyter server."""
    with browser.jupyter(folder) as address:
        yield address


@pytest.fixture(scope="package")
def page(server: str) -> Iterator[Page]:
    """JupyterLab, open in a browser."""
    with browser.browser() as page:
        browser.open_lab(page, server)
        yield page
