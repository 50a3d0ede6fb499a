"""What a server said: the answer that was hoped for, or the error that it is, in words that help and hold no key."""

from __future__ import annotations

from . import answers
from .exceptions import ApiError, InvalidAnswerError, kind_of
from .key import Key
from .lanes import Reply
from .texts import printable
from .waits import read_wait

_ADVICE = {
    401: "the key (from {source}) was not accepted by {url}: it belongs to another region or project, or was revoked; "
    "check the key, region= and project_id=",
    402: "the organization's credits are out",
    403: "the key may not read this: check project_id= and organization_id=",
    404: "no such job for this key: it was deleted or has expired, or belongs to another project or region",
    410: "the job is no longer kept",
    429: "too many requests for now",
}


def judged(reply: Reply | ApiError, key: Key, base_url: str) -> bytes | ApiError:
    """Give the body of an answer of status 200, in UTF-8 and without the key, or the error that another is.

    It is for the caller to raise: so it drags along no frame whose variables show what the server quoted.
    """
    if isinstance(reply, ApiError):
        return reply
    if reply.status != 200:
        return _refusal(reply, key, base_url)
    try:
        text = key.kept_out(answers.as_utf8(reply.body))
    except InvalidAnswerError as error:
        return InvalidAnswerError(str(error), status_code=200)
    if text.lstrip()[:1] == b"<":
        title = answers.read_detail(key.hidden(text))
        said = f", titled {title!r}" if title else ""
        message = f"a proxy or sign-in page answers instead of the service{said}; check base_url and the network"
        return InvalidAnswerError(message, status_code=200)
    return text


def _refusal(reply: Reply, key: Key, base_url: str) -> ApiError:
    status = reply.status
    detail = answers.read_detail(key.hidden(reply.body))  # some servers quote what they refuse
    advice = _ADVICE.get(status, "").format(source=key.source, url=base_url)
    if 300 <= status < 400:
        advice = "the server points elsewhere, and redirects are not followed; check base_url"
    said = reply.headers
    retry_after = read_wait(said.get_list("retry-after"), said.get("retry-after-ms", ""), said.get("date", ""))
    asked = f"it asks to wait {retry_after:,.0f} s" if retry_after and retry_after >= 1 else ""
    correlation = printable(key.hidden_in(said.get("x-request-id") or said.get("cf-ray") or ""), 80)
    parts = [part for part in (advice, detail, asked, correlation and f"request id {correlation}") if part]
    reason = printable(key.hidden_in(reply.reason), 80)
    message = f"{status}: {'; '.join(parts) or reason or 'no reason given'}"
    return kind_of(status)(message, status_code=status, retry_after=retry_after)
