"""Runs a coroutine behind a plain function, in a thread with a loop of its own.

A notebook's main thread already runs an event loop, so ``asyncio.run`` can't be used there, and patching the user's
loop would change their whole kernel. The waiting thread waits in short steps: only so can the stop button interrupt it
on every platform, and only so can progress be drawn from the thread that owns the display.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")

STEP_S = 0.1  # how long the main thread waits at a time: the longest that a stop or a progress line is late
GRACE_S = 5.0  # how long a stopped coroutine may take to close its connections


def run_blocking(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    on_step: Callable[[], None] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> T:
    """Run ``main()`` to its end in a thread of its own and return its result.

    Parameters
    ----------
    main : callable
        Makes the coroutine to run.
    on_step : callable, optional
        Called in the calling thread about ten times a second while it waits.
    on_stop : callable, optional
        Called in the calling thread when it is interrupted: ends what a cancelled coroutine would still wait for.

    Raises
    ------
    KeyboardInterrupt
        When the calling thread is interrupted; by then the coroutine has been cancelled and has closed what it held.
        The same goes for whatever ``on_step`` raises.
    """
    done: Future[T] = Future()
    running: dict[str, Any] = {}
    stop = threading.Event()

    async def cancellable() -> T:
        running["current"], running["loop"] = asyncio.current_task(), asyncio.get_running_loop()
        if stop.is_set():
            raise asyncio.CancelledError
        return await main()

    def work() -> None:
        try:
            with asyncio.Runner() as runner:
                result = runner.run(cancellable())
        except BaseException as error:  # noqa: BLE001 - whatever it was, the caller gets it
            done.set_exception(error)
        else:
            done.set_result(result)

    # The caller's context goes along: without it, prints of the thread land in whichever cell runs later.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="llama-classify-nb", daemon=True)
    try:
        thread.start()
        return _wait(done, on_step)
    except BaseException:
        if not done.done():  # an interrupt, or a fault of on_step
            stop.set()
            if on_stop is not None:
                on_stop()
            if loop := running.get("loop"):
                with contextlib.suppress(RuntimeError):  # the loop may have ended by itself just now
                    loop.call_soon_threadsafe(running["current"].cancel)
            wait([done], GRACE_S)
        raise
    finally:
        if done.done():
            thread.join(GRACE_S)


def _wait(done: Future[T], on_step: Callable[[], None] | None) -> T:
    while True:
        try:
            return done.result(timeout=STEP_S)
        except TimeoutError:
            if done.done():  # the coroutine's own TimeoutError, not that of this wait
                raise
        if on_step is not None:
            on_step()
