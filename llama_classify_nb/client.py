"""One request, one answer: the key, the address, the deadline, and what each refusal means.

This is the only module that knows httpx. It keeps no connection between calls and follows no redirect, so that the key
goes to the one origin it was given for, and nothing is left open behind anybody's back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx

from . import answers
from .address import find_proxy, is_loopback, read_address
from .blocking import run_blocking
from .exceptions import (
    ApiError,
    ArgumentError,
    CertificateError,
    InvalidAnswerError,
    RequestError,
    StaleConnectionError,
    TransportError,
    kind_of,
)
from .texts import printable
from .unpacking import Body
from .waits import read_wait

PATH = "/api/v2/classify"
KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY")

TIMEOUT_S = 15.0  # for a whole exchange: a time-out of single reads never fires on a server that drips bytes
CONNECT_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 32 * 2**20  # decoded; a page of 100 jobs is about 0.2 MB

_KEY = re.compile(r"""(?:(?!["'`\\<>])[!-~])+""")  # quotes are visible ASCII, too, and often pasted along
_LONG = 16  # characters: no word of a document

Lane = httpx.AsyncBaseTransport


class _Line(httpx.AsyncHTTPTransport):
    """A lane over the network, of one connection."""

    was_used = False  # whether the last exchange left its connection open, as far as can be told

    async def cut(self) -> None:
        """Close the connection of an exchange that was given up; the next one opens another.

        An exchange that is given up while it ends leaves its connection taken, for good: the lane would be blocked.
        """
        with contextlib.suppress(OSError, httpx.HTTPError):
            await self.aclose()


_Authorize = Callable[[httpx.Request], httpx.Request]
_Change = Callable[[bytes], bytes]


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
        self._authorize, self._without_key, self._kept, self.key_source, wrong = _bearer(api_key)
        del api_key
        if wrong:
            raise ArgumentError(wrong)
        self.base_url = read_address(base_url, region)
        self._url = httpx.URL(self.base_url)
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
                return await self.answer(lane, path, query)

        return run_blocking(once)

    @contextlib.asynccontextmanager
    async def lanes(self, n: int) -> AsyncIterator[list[Lane]]:
        """Open ``n`` lanes, of one connection each, closed on the way out.

        httpx walks all connections of a pool at each request; many pools of one are several times faster than one
        pool of many. They share a TLS context, which is the dear part. And they are bare transports: what a client of
        httpx does on top, cookies and redirects, is not wanted here, and would take a third of the time.
        """
        if self._closed:
            raise ArgumentError("this client is closed: make a new one, or don't close it before the fetch")
        if self._transport is not None:
            async with self._transport as lane:
                yield [lane] * n
            return
        secure = self.base_url.startswith("https:")
        # Loading the certificates to trust takes long. Where none are needed, none are trusted.
        try:
            context = httpx.create_ssl_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        except OSError as error:
            raise ArgumentError(f"no certificates to trust ({error}): check SSL_CERT_FILE and SSL_CERT_DIR") from None
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        try:
            # Over http no proxy of the environment is used: it would see the key.
            named = find_proxy(self.base_url) if secure else None
            proxy = httpx.Proxy(named) if named else None
            lanes = [_Line(verify=context, limits=limits, proxy=proxy) for _ in range(n)]
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # whose text may quote a password
            why = "SOCKS needs httpx[socks]" if isinstance(error, ImportError) else "check HTTPS_PROXY and ALL_PROXY"
            raise ArgumentError(f"the proxy that the environment names can't be used: {why}") from None
        async with contextlib.AsyncExitStack() as stack:
            yield [await stack.enter_async_context(lane) for lane in lanes]

    async def answer(self, lane: Lane, path: str, query: str) -> bytes:
        """Make one GET and give its body: UTF-8, decoded, of status 200. Anything else is an :class:`ApiError`."""
        failure: ApiError
        # A connection that was used before and breaks without a byte of an answer was dead already.
        may_be_dead = isinstance(lane, _Line) and lane.was_used
        if isinstance(lane, _Line):
            lane.was_used = False
        try:
            async with asyncio.timeout(self.timeout):
                response = await lane.handle_async_request(self._request(lane, path, query))
                may_be_dead = False
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            if isinstance(lane, _Line):
                await lane.cut()
            failure = TransportError(f"no whole answer within {self.timeout:g} s")
        except httpx.HTTPError as error:
            failure = _transport_error(error, may_be_dead=may_be_dead)
        except httpx.InvalidURL:
            failure = RequestError("the address of the request is too long", status_code=414)
        else:
            if isinstance(lane, _Line):
                lane.was_used = True
            return self._accepted(response, body)
        raise failure  # out here, where it drags along no frame of a connection, whose variables show the key

    def _request(self, lane: Lane, path: str, query: str) -> httpx.Request:
        target = f"{path}?{query}" if query else path
        url: httpx.URL | str = f"{self.base_url}{target}"
        extensions: dict[str, Any] = {"timeout": {"connect": min(CONNECT_TIMEOUT_S, self.timeout)}}
        if isinstance(lane, _Line):
            # httpx looks at an address letter by letter, which takes as long as reading a job. Ours is quoted already.
            url = self._url
            extensions["target"] = url.raw_path.rstrip(b"/") + target.encode("ascii")
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "llama_classify_nb"}
        return self._authorize(httpx.Request("GET", url, headers=headers, extensions=extensions))

    def _accepted(self, response: httpx.Response, body: bytes) -> bytes:
        if response.status_code != 200:
            raise self._refusal(response, self._without_key(body))  # some servers quote what they refuse
        text = self._kept(answers.as_utf8(body))
        if text.lstrip()[:1] == b"<":
            title = answers.read_detail(self._without_key(text))
            said = f", titled {title!r}" if title else ""
            message = f"a proxy or sign-in page answers instead of the service{said}; check base_url and the network"
            raise InvalidAnswerError(message, status_code=200)
        return text

    def _refusal(self, response: httpx.Response, body: bytes) -> ApiError:
        status, detail = response.status_code, answers.read_detail(body)
        advice = _ADVICE.get(status, "").format(source=self.key_source, url=self.base_url)
        if 300 <= status < 400:
            advice = "the server points elsewhere, and redirects are not followed; check base_url"
        said = response.headers
        retry_after = read_wait(said.get_list("retry-after"), said.get("retry-after-ms", ""), said.get("date", ""))
        asked = f"it asks to wait {retry_after:,.0f} s" if retry_after and retry_after >= 1 else ""
        correlation = self._quoted(said.get("x-request-id") or said.get("cf-ray") or "")
        parts = [part for part in (advice, detail, asked, correlation and f"request id {correlation}") if part]
        message = f"{status}: {'; '.join(parts) or self._quoted(response.reason_phrase) or 'no reason given'}"
        return kind_of(status)(message, status_code=status, retry_after=retry_after)

    def _quoted(self, text: str) -> str:
        """Give what stands in an answer's head as a message quotes it."""
        return printable(self._without_key(text.encode()).decode(), 80)


_ADVICE = {
    401: "the key (from {source}) was not accepted by {url}: it belongs to another region or project, or was revoked; "
    "check the key, region= and project_id=",
    402: "the organization's credits are out",
    403: "the key may not read this: check project_id= and organization_id=",
    404: "no such job for this key: it was deleted or has expired, or belongs to another project or region",
    410: "the job is no longer kept",
    429: "too many requests for now",
}


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


def _bearer(api_key: str | None) -> tuple[_Authorize, _Change, _Change, str, str]:
    """Give what puts the key on a request, what takes it out of a message, and out of an answer, its origin, its fault.

    An answer loses only what can't be a word of its own: "test" is a key, too, for a server of one's own.

    The key lives in closures only: no attribute, repr or pickle can show it.
    """
    source = "api_key="
    if api_key is None:
        source = next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), "")
        api_key = os.environ.get(source) if source else None
    wrong = ""
    if api_key is None:
        name = KEY_VARIABLES[0]
        wrong = f"no key: set {name} in the environment, or in Python give api_key= (a key begins with llx-)"
    elif not isinstance(api_key, str):
        wrong = f"api_key is a {type(api_key).__name__}: give the key as text"
    elif not _KEY.fullmatch(api_key.strip()):
        wrong = f"the key (from {source}) is empty or holds a character that no key has: copy it once more"
    key = "" if wrong or api_key is None else api_key.strip()

    def authorize(request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {key}"
        return request

    def without_key(text: bytes) -> bytes:
        return text.replace(key.encode(), b"[the key]")

    return authorize, without_key, without_key if len(key) >= _LONG else lambda text: text, source, wrong


def _identifier(name: str, value: str | None) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ArgumentError(f"{name} is {value!r}: give an id as text, or leave it out for the key's own")
    return value and value.strip()


async def _body(response: httpx.Response) -> bytes:
    if response.is_stream_consumed:  # a transport of a test hands answers over in one piece
        return response.content
    try:
        body = Body(response.headers.get("content-encoding", "").strip().lower(), MAX_ANSWER_BYTES)
        async for chunk in response.aiter_raw():
            body.add(chunk)
        return body.finish()
    except ApiError as error:
        error.status_code = response.status_code
        raise


def _transport_error(error: httpx.HTTPError, *, may_be_dead: bool) -> TransportError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                f"the server's certificate is not trusted ({printable(cause.verify_message, 120)}): "
                "if a proxy of your organization signs it, point SSL_CERT_FILE to its certificate"
            )
        cause = cause.__cause__ or cause.__context__
    # The name of httpx's error is its kind; its text may quote headers, so it is not repeated.
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
    is_dead = may_be_dead and isinstance(error, httpx.ReadError | httpx.WriteError | httpx.RemoteProtocolError)
    return (StaleConnectionError if is_dead else TransportError)(f"no whole answer came: {kind}")
