"""No test reaches beyond this machine, and none finds a key or an address in the environment."""

from __future__ import annotations

import gc
import ipaddress
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

import llama_classify_nb as lcn
from llama_classify_nb import address, key, report
from llama_classify_nb.demo import DemoServer
from llama_classify_nb.report import pictures

# How long an example takes says more of what else the machine does than of the code.
hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("untimed")

EDGE_CASES = Path(__file__).parent / "data" / "edge_cases.jsonl"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep tests and modules out of the sight of the garbage collector: they stay, and to look takes a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where each worker is given whole files, give one of them all that share a browser: it is started once."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*key.KEY_VARIABLES, address.URL_VARIABLE, "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no connection leave the machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def sample() -> lcn.JobSet:
    """The bundled jobs."""
    return lcn.load_sample()


@pytest.fixture(scope="session")
def labelled_report(sample: lcn.JobSet, tmp_path_factory: pytest.TempPathFactory) -> report.Report:
    """The report of the bundled jobs and a ninth of their labels, with everything that a report may hold."""
    labels = lcn.load_sample_labels().iloc[::9].reset_index(drop=True)
    return lcn.write_report(sample, tmp_path_factory.mktemp("reports") / "of" / "sample", labels=labels, target=0.8)


@pytest.fixture
def no_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the pictures of reports, but don't render them, which takes most of a report's time."""
    monkeypatch.setattr(pictures, "_rendered", lambda _: {"png": b"\x89PNG", "svg": b"<svg ></svg>"})


@pytest.fixture
def server() -> Iterator[DemoServer]:
    """A server over the first 250 bundled jobs."""
    from llama_classify_nb.demo import sample_jobs

    with lcn.demo_server(sample_jobs()[:250]) as running:
        yield running


@pytest.fixture
def client(server: DemoServer) -> lcn.Client:
    """A client of that server."""
    return lcn.Client(server.api_key, base_url=server.base_url)
