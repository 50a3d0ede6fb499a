"""What goes wrong on the demo server, and when: a list of faults, decided by a seed.

::

    plan = FaultPlan(
        limiter(TokenBucket(rate=40, burst=40), retry_after=True),
        status((500, 502, 503), share=0.1),
        reset("body", share=0.05, call="get"),
        listing("omit", share=0.1),
        seed=7,
    )
    with demo_server(faults=plan) as server: ...

Every fault takes the same keywords that say when it applies, and all of those given have to hold:

==========  ======================================================================================
``call``    ``"get"`` or ``"list"``; by default both
``ids``     these jobs only: asked for by GET, or named in ``job_ids``
``share``   this part of the attempts, 0 to 1; for `finishing` and the rows of a listing, of the jobs
``first``   the first so many attempts of each job, or of each page (the same URL)
``after``   from the request on that follows so many others
``until``   up to this request, by number from 1
``for_s``   so many seconds from the first request that meets all the rest
==========  ======================================================================================

and `Fault.stop` ends it by hand. With the first four, whether a fault strikes depends on the seed, its place in the
plan, the job or URL asked for and the number of the attempt, never on the order of arrival.

Of the faults that refuse (`status`, `limiter`, `redirect`, `limit_connections`, `limit_ids`, `limit_url`,
``listing("expire")``) the first that applies answers. If none does, `finishing` and `listing` change what is said, then
the first that applies of `answer`, `broken`, `odd`, `reset`, `hang`, `drip` and `dead_on_reuse` spoils how. `latency`
adds to any answer.
"""

from .contents import answer, finishing, listing
from .limiters import Concurrency, FixedWindow, Limiter, SlidingWindow, TokenBucket
from .plan import Fault, FaultPlan
from .refusals import limit_connections, limit_ids, limit_url, limiter, redirect, status
from .wire import broken, dead_on_reuse, drip, hang, latency, odd, reset

__all__ = [
    "Concurrency",
    "Fault",
    "FaultPlan",
    "FixedWindow",
    "Limiter",
    "SlidingWindow",
    "TokenBucket",
    "answer",
    "broken",
    "dead_on_reuse",
    "drip",
    "finishing",
    "hang",
    "latency",
    "limit_connections",
    "limit_ids",
    "limit_url",
    "limiter",
    "listing",
    "odd",
    "redirect",
    "reset",
    "status",
]
