"""One request, one answer: where the API is, what it can be asked, and the right to ask.

What a request travels over is in ``lanes.py``, what its answer means in ``refusals.py``, and the key in ``key.py``.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from . import answers
from .address import is_loopback, read_address
from .blocking import run_blocking
from .exceptions import ApiError, ArgumentError, InvalidAnswerError
from .key import read_key
from .lanes import Lane, exchange, open_lanes, parse_url, taken
from .refusals import judged
from .texts import printable

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

PATH = "/api/v2/classify"

TIMEOUT_S = 15.0  # for a whole exchange: a time-out of single reads never fires on a server that drips bytes


class Client:
    """Where the API is, and the right to read it.

    Parameters
    ----------
    api_key : str, optional
        The key; by default that of the environment: ``LLAMA_CLOUD_API_KEY``, then ``LLAMA_PARSE_API_KEY``.
    base_url : str, optional
        Address of the API, as a URL or a bare host (https is assumed); by default ``LLAMA_CLOUD_BASE_URL``, then the
        service in the US. Plain http is accepted for this machine only.
    region : str, optional
        ``"us"``, ``"eu"`` or a bare host, in place of ``base_url``.
    project_id, organization_id : str, optional
        Sent with every request; by default the key's own.
    timeout : float
        Seconds that a whole exchange may take, from connecting to the last byte.
    transport : httpx.AsyncBaseTransport, optional
        What carries the requests, in place of the network: ``httpx.MockTransport`` in a test.

    Raises
    ------
    ArgumentError
        If there is no key, or an argument can't be right.

    Notes
    -----
    A client may be used from any thread, again and again, and needn't be closed: it opens connections for a call and
    closes them with it. It can't be pickled, since it holds a key; the key shows nowhere else.

    Examples
    --------
    >>> client = Client("llx-example", region="eu")
    >>> client
    Client(base_url='https://api.cloud.eu.llamaindex.ai')
    """

    base_url = ""
    project_id: str | None = None
    organization_id: str | None = None

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        region: str | None = None,
        project_id: str | None = None,
        organization_id: str | None = None,
        timeout: float = TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # The key leaves this frame at once, before anything can raise: tracebacks may show local variables.
        self._key, wrong = read_key(api_key)
        del api_key
        if wrong:
            raise ArgumentError(wrong)
        self.base_url = read_address(base_url, region)
        self._url = parse_url(self.base_url)
        self.project_id = _identifier("project_id", project_id)
        self.organization_id = _identifier("organization_id", organization_id)
        if not isinstance(timeout, int | float) or isinstance(timeout, bool) or not 0 < timeout < math.inf:
            raise ArgumentError(f"timeout is {timeout!r}: give a number of seconds above 0, such as {TIMEOUT_S}")
        self.timeout = float(timeout)
        self._transport = transport
        self._closed = False

    def __repr__(self) -> str:
        ids = [f"{name}={value!r}" for name in ("project_id", "organization_id") if (value := getattr(self, name))]
        return f"Client({', '.join([f'base_url={self.base_url!r}', *ids])})"

    def __reduce__(self) -> Any:
        raise TypeError("a Client holds a key and can't be pickled or copied: make a new one where it is needed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Retire this client: a call after this is an error. There is nothing else to close."""
        self._closed = True

    @property
    def service(self) -> str:
        """What an archive is bound to: the origin; a server on this machine is the same whatever its port."""
        parts = urlsplit(self.base_url)
        if is_loopback(parts.hostname or ""):
            return "loopback"
        return f"{parts.scheme}://{parts.netloc.lower().removesuffix(':443')}{parts.path}"

    def scoped(self, *, project_id: str | None = None, organization_id: str | None = None) -> Client:
        """Give a client with the same key, address and transport, for another project or organization."""
        other = object.__new__(Client)
        other.__dict__.update(self.__dict__)
        other.project_id = _identifier("project_id", project_id) or self.project_id
        other.organization_id = _identifier("organization_id", organization_id) or self.organization_id
        return other

    def get_job(self, job_id: str, *, usage: bool = False) -> dict[str, Any]:
        """Read one job: ``GET /api/v2/classify/{job_id}``.

        Parameters
        ----------
        job_id : str
            Its id.
        usage : bool
            Whether to ask for the credits billed, too.

        Returns
        -------
        dict
            The job as the API gave it.

        Raises
        ------
        ApiError
            One of its kinds, for whatever but the job came. Nothing is retried here: :func:`fetch_jobs` does that.
        """
        return _document(self._run(*self.job_target(job_id, usage=usage)), job_id)

    def list_jobs(
        self,
        *,
        job_ids: Sequence[str] | None = None,
        status: str | None = None,
        configuration_id: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> dict[str, Any]:
        """Read one page of jobs: ``GET /api/v2/classify``.

        Parameters
        ----------
        job_ids : sequence of str, optional
            Only these jobs.
        status, configuration_id : str, optional
            Only jobs with this status, of this saved configuration.
        created_after, created_before : str, optional
            Only jobs created then or later, then or earlier (ISO 8601; both inclusive).
        page_size : int, optional
            1 to 100.
        page_token : str, optional
            ``next_page_token`` of the page before.

        Returns
        -------
        dict
            ``items``, ``next_page_token`` and, where the service gives it, ``total_size`` (an estimate).

        Raises
        ------
        ApiError
            One of its kinds, for whatever but a page came.
        """
        filters = {
            "status": status,
            "configuration_id": configuration_id,
            "created_at_on_or_after": created_after,
            "created_at_on_or_before": created_before,
            "page_size": None if page_size is None else str(page_size),
            "page_token": page_token,
        }
        ids = [] if job_ids is None or isinstance(job_ids, str) else list(job_ids)
        if job_ids is not None and not (ids and all(isinstance(one, str) for one in ids)):
            shown = printable(repr(job_ids), 80)
            raise ArgumentError(f"job_ids is {shown}: give a list of ids, or leave it out to list all jobs")
        return _document(self._run(*self.list_target(filters, ids)))

    def job_target(self, job_id: str, *, usage: bool = False) -> tuple[str, str]:
        """Give path and query of the call for one job; refuse an id that could leave its path segment."""
        if not isinstance(job_id, str) or not answers.is_job_id(job_id):
            raise ArgumentError(f"job_id is {printable(repr(job_id), 80)}: that can't be the id of a job")
        return f"{PATH}/{quote_id(job_id)}", self._query({"expand": "usage" if usage else None})

    def list_target(self, filters: Mapping[str, str | None], job_ids: Sequence[str] = ()) -> tuple[str, str]:
        """Give path and query of the list call."""
        query = self._query(filters)
        ids = "&".join([f"job_ids={quote_id(job_id)}" for job_id in job_ids])
        return PATH, f"{query}&{ids}" if query and ids else query or ids

    def _query(self, named: Mapping[str, str | None]) -> str:
        own = {"project_id": self.project_id, "organization_id": self.organization_id}
        return urlencode([(key, value) for key, value in {**named, **own}.items() if value is not None])

    def _run(self, path: str, query: str) -> bytes:
        async def once() -> bytes:
            async with self.lanes(1) as (lane,):
                return await self.answer(lane, path, query, bytes)

        return run_blocking(once)

    @contextlib.asynccontextmanager
    async def lanes(self, n: int) -> AsyncIterator[list[Lane]]:
        """Open ``n`` lanes, of one connection each, closed on the way out."""
        if self._closed:
            raise ArgumentError("this client is closed: make a new one, or don't close it before the fetch")
        if self._transport is not None:
            async with self._transport as lane:
                yield [lane] * n
            return
        async with open_lanes(self._url, n) as lanes:
            yield lanes

    async def answer(self, lane: Lane, path: str, query: str, read: Callable[[bytes], T]) -> T:
        """Make one GET and read its body: UTF-8, decoded, of status 200. Anything else is an :class:`ApiError`."""
        target = f"{path}?{query}" if query else path
        async with taken(lane) as line:
            reply = exchange(line, self._url, target, self._key, self.timeout)
            came = judged(await reply, self._key, self.base_url)
            if isinstance(came, ApiError):
                raise came
            return read(came)


def quote_id(job_id: str) -> str:
    """Give an id as it stands in an address. One that passed ``answers.is_job_id`` holds nothing odd but colons."""
    return job_id.replace(":", "%3A") if answers.is_job_id(job_id) else quote(job_id, safe="")


def _document(body: bytes, job_id: str | None = None) -> dict[str, Any]:
    """Give an answer as plain Python, once it is known to be this job, or a page of jobs."""
    try:
        if job_id is None:
            answers.read_page(body)
        elif answers.read_job(body).id != job_id:
            raise InvalidAnswerError(f"the answer for job {job_id!r} is not that job")
        elif answers.has_repeated_keys(body):
            raise InvalidAnswerError("a key stands twice in the answer")
        return dict(json.loads(body))
    except InvalidAnswerError as error:
        error.status_code = 200
        raise
    except (ValueError, RecursionError) as error:  # too many digits, too deep, or not UTF-8
        reason = printable(str(error), 120)
        raise InvalidAnswerError(f"the answer can't be read: {reason}", status_code=200) from None


def _identifier(name: str, value: str | None) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(f"{name} is {value!r}: give an id as text, or leave it out for the key's own")
    return value and value.strip()
