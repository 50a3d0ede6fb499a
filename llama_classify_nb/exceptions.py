"""What can go wrong, as one tree.

::

    ClassifyError                     whatever this package raises of its own accord
    ├── ArgumentError (ValueError)    an argument can't be right; nothing was requested
    ├── ArchiveError                  the archive can't be opened, read or written
    ├── ReadError                     a file can't be read as jobs
    ├── ScanError                     a part of many jobs can't be counted
    ├── LabelLogError                 a label can't be written
    └── ApiError                      one request, and no usable answer
        ├── AuthenticationError       401: the key is wrong, or of another region or project
        ├── PaymentRequiredError      402: credits are out
        ├── PermissionDeniedError     403
        ├── NotFoundError             404, 410
        ├── RequestError              400, 405, 414, 422 and other 4xx: this request will never work
        ├── RateLimitError            429
        ├── ServerError               408, 409, 421, 423, 425, 444, 499 and every 5xx: the same request may work later
        ├── TransportError            no answer: refused, reset, timed out, cut short
        │   ├── StaleConnectionError  a connection that was kept open had been closed meanwhile
        │   └── CertificateError      the server's certificate isn't trusted
        ├── InvalidAnswerError        an answer, but not one of the documented shape (redirects too)
        └── BudgetError               no request: the fetch's own budget of time or retries is used up
    FetchInterrupted (KeyboardInterrupt)   the stop button; carries what had arrived

Every error of the tree answers the same three questions: ``status_code`` (None: there was no answer), ``retry_after``
(seconds, None: not stated) and ``retryable``. No message holds a key.
"""

from __future__ import annotations

from typing import Any


class ClassifyError(Exception):
    """Base of every error of this package."""

    status_code: int | None = None
    retry_after: float | None = None
    retryable: bool = False


class ArgumentError(ClassifyError, ValueError):
    """An argument that can't be right: the message names it, what came, and what to do."""


class ArchiveError(ClassifyError):
    """The archive can't be opened, read or written; the message names the file."""


class DamagedArchiveError(ArchiveError):
    """The archive's file is damaged. A fetch moves it aside and goes on with every whole answer of it."""


class ReadError(ClassifyError):
    """A file that can't be read as jobs; the message names the file."""


class ScanError(ClassifyError):
    """A part of many jobs that can't be counted; the message names it."""


class LabelLogError(ClassifyError):
    """A label can't be written, and isn't; the message names the file."""


class ApiError(ClassifyError):
    """One request to the API without a usable answer.

    Parameters
    ----------
    message : str
        What happened and what to do.
    status_code : int, optional
        HTTP status of the answer; None: there was none.
    retry_after : float, optional
        Seconds the server asked to wait.

    Attributes
    ----------
    attempts : int
        Requests made until this error was the answer.
    """

    def __init__(self, message: str, *, status_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = retry_after
        self.attempts = 1


class AuthenticationError(ApiError):
    """401: the key was not accepted."""


class PaymentRequiredError(ApiError):
    """402: the organization's credits are out."""


class PermissionDeniedError(ApiError):
    """403: the key may not read this."""


class NotFoundError(ApiError):
    """404 or 410: no such job here, or no longer."""


class RequestError(ApiError):
    """Any other 4xx: this very request will never work."""


class RateLimitError(ApiError):
    """429: too many requests for now."""

    retryable = True


class ServerError(ApiError):
    """408, 409, 421, 423, 425, 444, 499 or 5xx: the same request may work later.

    444 and 499 are what nginx calls a request that was given up without an answer, by itself or by whoever asked it.
    """

    retryable = True


class TransportError(ApiError):
    """No whole answer came: refused, reset, timed out, or cut short."""

    retryable = True


class StaleConnectionError(TransportError):
    """A connection that had been kept open was dead when it was used again: the same request on a new one may work."""


class CertificateError(TransportError):
    """The server's certificate isn't trusted: asking again won't help."""

    retryable = False


class InvalidAnswerError(ApiError):
    """An answer came, but not one of the documented shape."""

    retryable = True


class BudgetError(ApiError):
    """The time or the retries that a fetch was given are used up."""

    retryable = True


_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitError,
    **dict.fromkeys((408, 409, 421, 423, 425, 444, 499), ServerError),
}


def kind_of(status: int) -> type[ApiError]:
    """Give the error that an answer of this status is, unless it is the 200 that was hoped for."""
    if status < 400:
        return InvalidAnswerError
    return _BY_STATUS.get(status, ServerError if status >= 500 else RequestError)


class FetchInterrupted(KeyboardInterrupt):
    """A fetch that was stopped by hand.

    Attributes
    ----------
    partial : JobSet
        The jobs that had arrived. They are in the archive too, so that the same call goes on from there.
    """

    def __init__(self, partial: Any) -> None:
        super().__init__(f"stopped; {len(partial):,} jobs kept")
        self.partial = partial

    def _render_traceback_(self) -> list[str]:
        """Give what IPython prints in place of thirty lines of traceback."""
        return [f"Interrupted: {len(self.partial):,} jobs kept in .partial; run the same call again to go on."]
