"""The sample, and the API on loopback: the same two calls over real HTTP, with faults on request.

Only reads are served, to this machine only, and only to who has the made-up key. The answers are prebuilt bytes and the
HTTP is written by hand, so that the server is no bottleneck when a client is measured against it.
"""

from __future__ import annotations

import asyncio
import atexit
import secrets
import socket
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from ..exceptions import ArgumentError
from .connection import Connection
from .plan import Fault, FaultPlan
from .sample import sample_jobs
from .service import Api, Job, Request, Store


def demo_server(
    jobs: Iterable[Job] | None = None,
    *,
    faults: FaultPlan | Fault | Iterable[Fault] | None = None,
    latency_s: float = 0.0,
    port: int = 0,
) -> DemoServer:
    """Serve jobs as the Classify API does, on this machine, until stopped.

    Parameters
    ----------
    jobs : iterable of dict or bytes, optional
        The jobs to serve; bytes go out as they are. By default the bundled sample.
    faults : FaultPlan, Fault or iterable of Fault, optional
        What goes wrong, and when: see `llama_classify_nb.demo.faults`. By default nothing.
    latency_s : float
        Seconds that every answer waits.
    port : int
        Port on 127.0.0.1; 0: any that is free.

    Returns
    -------
    DemoServer
        Running already; leave its ``with`` block or call its ``stop`` to end it.

    Raises
    ------
    ArgumentError
        If a job has no id, or an argument can't be right.
    OSError
        If the port is taken.

    Examples
    --------
    >>> with demo_server() as server:
    ...     len(server.job_ids)
    5992
    """
    return DemoServer(Store(sample_jobs() if jobs is None else jobs), FaultPlan.of(faults), latency_s, port)


class DemoServer:
    """A running server, made by `demo_server`. Every attribute may be used from any thread.

    Attributes
    ----------
    base_url : str
        Address, as ``http://127.0.0.1:PORT``.
    api_key : str
        The one key that is accepted; made up, and a new one for every server.
    faults : FaultPlan
        What goes wrong, and when.
    """

    def __init__(self, store: Store, faults: FaultPlan, latency_s: float, port: int) -> None:
        if not 0 <= latency_s < float("inf"):
            raise ArgumentError(f"latency_s is {latency_s!r}: give seconds, 0 or more")
        if port not in range(65_536):
            raise ArgumentError(f"port is {port!r}: give a number from 0 (any that is free) to 65535")
        self.api_key = f"llx-demo-{secrets.token_urlsafe(18)}"
        self.faults = faults
        self.faults.begin()
        self._api = Api(store, faults, self.api_key, float(latency_s))
        self._halt = asyncio.Event()
        self._socket = socket.create_server(("127.0.0.1", port))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="llama_classify_nb demo server", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def __repr__(self) -> str:
        state = "" if self._thread.is_alive() else ", stopped"
        return f"DemoServer({self.base_url!r}, {len(self.job_ids):,} jobs{state})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def job_ids(self) -> list[str]:
        """Ids of the jobs served, in the order of the listing: the newest first."""
        with self._api.lock:
            return [row.id for row in self._api.store.ordered()]

    @property
    def requests(self) -> list[Request]:
        """The requests since the start or the last `reset`, in the order of their arrival."""
        return list(self._api.record)

    @property
    def n_requests(self) -> int:
        """How many requests there were since the start or the last `reset`."""
        return len(self._api.record)

    def reset(self) -> None:
        """Forget the requests so far; jobs and faults stay as they are."""
        with self._api.lock:
            self._api.record.clear()

    def set_job(self, job_id: str, body: Job | None) -> None:
        """Replace or add a job while the server runs; None: delete it."""
        with self._api.lock:
            self._api.store.put(job_id, body)

    def stop(self) -> None:
        """End the server and its thread, and cut the connections that are open. A second call does nothing."""
        atexit.unregister(self.stop)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._halt.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self._api), sock=self._socket, backlog=1024)
        try:
            await self._halt.wait()
        finally:
            server.close()
            for connection in list(self._api.connections):
                connection.cut()
            while self._api.connections:
                await asyncio.sleep(0)  # each says goodbye in a turn of the loop of its own
            await server.wait_closed()
