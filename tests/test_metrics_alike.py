"""Messages that are alike: their bytes change, and their sentence never does."""

from __future__ import annotations

import random
import uuid

import pyarrow as pa
import pytest

from llama_classify_nb.metrics._alike import alike
from llama_classify_nb.metrics._masks import sentence

TELLING = """
error code errno status HTTP Error Client Server GET Jan Fri page of job could not open ms s d h B KB mB .pdf x 0x a b
user@example.com 10.0.0.1 2024-03-01 2024/03/0 T10:22:33.123Z (s) /data/in /a C:\\ ~/ ./ HTTP/1.1 .PDF .jp2 .7z bytes
year Ä deadbeef cannot ValueError: a.b.Odd
"""
WORDS = ["Traceback (most recent call last):", "status code", *TELLING.split()]
BETWEEN = [
    *" " * 30,
    *"..,:;/\\-_=()[]{}'\"`<>#@+~%|\n\t",
    "",
    "",
    "",
    "  ",
    ": ",
    ", ",
    "://",
    "“",
    "é",
    "\u00a0",
    "''",
]


def of(chance: random.Random, chars: str, *sizes: int) -> str:
    return "".join(chance.choices(chars, k=chance.choice(sizes)))


def piece(chance: random.Random) -> str:
    digits, hexes, others = "0123456789", "0123456789abcdef", "0123456789abcdefghijklmnopqrstuvwxyz"
    ways = (
        lambda: str(uuid.UUID(int=chance.getrandbits(128))),
        lambda: of(chance, hexes, 1, 4, 7, 8, 9, 16, 32, 64, 65),
        lambda: of(chance, others, 3, 6, 10, 16, 64, 66),
        lambda: of(chance, digits, 1, 2, 3, 4, 5, 8, 20, 21),
        lambda: chance.choice("45") + of(chance, digits, 2),
        lambda: "0x" + of(chance, hexes, 1, 8, 9),
        lambda: chance.choice(["req_", "job-", "a-"]) + of(chance, others, 4, 6, 12),
        lambda: (
            chance.choice(["scan", "/in/", "C:\\t\\", "/2/"]) + of(chance, others, 1, 8) + chance.choice([".pdf", ".x"])
        ),
        lambda: (
            chance.choice(["https://a.b/", "s3://a/", "x://"]) + of(chance, others, 5) + chance.choice(["", ".", "}"])
        ),
        lambda: chance.choice("'\"“") + of(chance, others, 8) + chance.choice("'\"”"),
        lambda: chance.choice(WORDS),
    )
    return chance.choice(ways)()


def read_alike(messages: list[str]) -> list[str]:
    found: list[str] = alike(pa.array(messages, pa.large_string())).to_pylist()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_a_message_keeps_its_sentence(seed: int) -> None:
    chance = random.Random(seed)
    made = ["".join(piece(chance) + chance.choice(BETWEEN) for _ in range(chance.randint(1, 9))) for _ in range(1_000)]
    made += ["81491a05.http://a.b/1", "87cc30741f37.pdf://x", "a7cc30741f37.pdf://x"]
    made += ["a/" * n + of(chance, "0123456789abcdef", 40) + " b@" + "c1" * n for n in (20, 33, 90, 120, 600)]
    found = read_alike(made)
    assert [sentence(one) for one in found] == [sentence(one) for one in made]
    assert sum(one.rstrip("\n") != other.rstrip("\n") for one, other in zip(found, made, strict=True)) > 500


@pytest.mark.parametrize(
    "form",
    [
        "ParseError: could not open /data/in/{uuid}.pdf (request {uuid}) after {n} ms",
        "Document {uuid} could not be processed: time-out",
        "job {hex}: quota exceeded, ask again in {n} s",
        "req_{hex} was refused at 2026-02-03T11:12:{nn}Z",
        "page {nn} of scan{n}.pdf is empty",
        "GET https://files.example.com/{hex}/{n}.pdf: not found",
        "cannot identify image file <_io.BytesIO object at 0x7f{hex}>",
    ],
)
def test_messages_that_differ_in_ids_and_numbers_alone_become_the_same(form: str) -> None:
    chance = random.Random(1)
    made = [
        form.format(
            uuid=uuid.UUID(int=chance.getrandbits(128)),
            hex=f"{chance.getrandbits(44):011x}a1",
            n=chance.randint(10_000, 99_999),
            nn=chance.randint(10, 59),
        )
        for _ in range(200)
    ]
    assert len(set(made)) > 40
    # An id keeps whether it begins with a digit or a letter.
    assert len(set(read_alike(made))) <= 2


@pytest.mark.parametrize(
    "forms", [("HTTP 404", "HTTP 503"), ("error 17", "error 18"), ("page2 is bad", "page3 is bad")]
)
def test_what_is_told_apart_by_its_digits_stays(forms: tuple[str, ...]) -> None:
    assert read_alike(list(forms)) == [f"{one}\n" for one in forms]


def test_no_message_is_none() -> None:
    assert read_alike([]) == []
    assert read_alike(["", " \n"]) == ["\n", " \n\n"]
