"""The gate: one at a time, by turns the most tried and the one that has waited longest."""

from __future__ import annotations

import asyncio

from llama_classify_nb.gate import Gate, Turn


async def _queue(gate: Gate, attempts: list[int], order: list[int]) -> list[asyncio.Task[None]]:
    """Queue up behind who is inside; who comes through is noted in ``order``."""

    async def one(n: int) -> None:
        async with gate.turn(n):
            order.append(n)

    tasks = [asyncio.create_task(one(n)) for n in attempts]
    await asyncio.sleep(0)
    return tasks


def test_the_most_tried_and_the_longest_waiting_come_by_turns() -> None:
    async def main() -> list[int]:
        gate, order = Gate(10), list[int]()
        async with gate.turn(0):
            tasks = await _queue(gate, [1, 2, 9, 3, 10, 8, 4], order)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(main()) == [9, 1, 8, 2, 4, 3, 10]


def test_one_that_is_cancelled_leaves_the_gate_to_the_others() -> None:
    async def main() -> list[int]:
        gate, order = Gate(10), list[int]()
        async with gate.turn(0):
            tasks = await _queue(gate, [1, 2, 3], order)
            tasks[0].cancel()  # while it waits
        tasks[2].cancel()  # when its turn has come, before it hears of it
        await asyncio.gather(*tasks, return_exceptions=True)
        async with gate.turn(0):
            order.append(0)
        return order

    assert asyncio.run(main()) == [2, 0]


def test_one_that_waits_inside_lets_a_more_tried_one_by() -> None:
    async def main() -> list[int]:
        gate, order = Gate(10), list[int]()

        async def inside(turn: Turn) -> None:
            await gate.let_by(turn)
            order.append(turn.attempts)

        async with gate.turn(2) as turn:
            tasks = await _queue(gate, [1, 2, 5], order)
            await inside(turn)
            await inside(turn)  # nobody was tried more often now
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(main()) == [5, 2, 2, 2, 1]


def test_a_cancelled_one_that_let_another_by_does_not_hold_the_gate() -> None:
    async def main() -> list[int]:
        gate, order = Gate(10), list[int]()

        async def first() -> None:
            async with gate.turn(1) as turn:
                for _ in range(3):
                    await asyncio.sleep(0)
                await gate.let_by(turn)
                order.append(1)

        task = asyncio.create_task(first())
        await asyncio.sleep(0)
        held = asyncio.Event()

        async def second() -> None:
            async with gate.turn(5):
                await held.wait()
                order.append(5)

        other = asyncio.create_task(second())
        for _ in range(6):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        late = await _queue(gate, [7], order)
        held.set()
        await asyncio.gather(other, *late)
        return order

    assert asyncio.run(main()) == [5, 7]
