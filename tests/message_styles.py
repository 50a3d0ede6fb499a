"""Corpora of messages whose templates are known: written in 34 styles of software, and the failures of the sample.

A style is a file of templates, one a line. ``{kind}`` is a parameter, ``{a|b}`` one of few words, ``{list:kind}`` and
``{spaced:kind}`` one to six of a kind, ``[[...]]`` a part that only some messages have; ``%%many 40`` adds as many
sentences that are each made up anew. Which templates are common is drawn by the seed, with a heavy tail.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "data" / "message_styles"
#: Grouping was chosen on the other styles; of these only the scores were looked at.
HELD_OUT = (
    "big_cluster",
    "block_store",
    "broker",
    "cloud_compute",
    "desktop_unix",
    "document_parser",
    "mailer",
    "node_farm",
    "servicing",
    "shell_server",
    "step_counter",
    "switchgear",
    "tunnel_client",
)
DEVELOPED_ON = tuple(sorted(path.stem for path in FOLDER.glob("*.txt") if path.stem not in HELD_OUT))

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|\[\[(.*?)\]\]")


def _split(text: str) -> list[str]:
    return text.split()


_USERS = _split("""
    root admin guest test oracle news cyrus alice bob carol mallory jdoe postgres nagios webmaster ftpuser
    support
""")
_WORDS = _split("""
    orders billing inventory cache primary replica staging default archive payments search metrics session
    gateway ledger frontend backend worker analytics catalog shipping notify audit profile export import main
    temp reports
""")
_NAMES = _split("""
    ReduceTask MapTask StatusBar WindowManager QuickSettings PowerController DisplayState AlarmService
    SyncAdapter NetworkPolicy LauncherActivity UserSettings OrderItem BlockReader SecureStore DataNode NameNode
    Finder Safari Dock
""")
_COMMANDS = _split("""
    httpd sshd crond named snmpd bash python java cupsd gpm xinetd portmap ntpd syslogd rpc.statd
""")
_EXCEPTIONS = _split("""
    java.io.IOException java.net.SocketTimeoutException java.io.EOFException java.lang.NullPointerException
    java.net.ConnectException java.nio.channels.ClosedChannelException
""")
_FREE = _split("""
    connection refused by peer host unreachable timed out waiting for reply invalid checksum in header
    unexpected end of stream device busy try again later no space left permission denied unknown option bad
    descriptor lost the lock
""")
_VERBS = _split("""
    Loading Flushing Skipping Opened Closed Registered Dropped Updating Mounted Found Missing Ignoring Refused
""")
_NOUNS = _split("""
    timer buffer region handler segment driver queue descriptor channel sensor bus adapter route policy table
    page zone thread socket bridge firmware clock cursor partition token bitmap controller port volume snapshot
    interrupt
""")
_ADJECTIVES = _split("""
    stale pending secondary remote local invalid corrupt idle dirty unused legacy active empty late
""")


def corpus(style: str, *, n: int = 2000, seed: int = 0) -> tuple[list[str], list[int]]:
    """Give ``n`` messages of a style, and for each the number of its template."""
    draw = random.Random(f"{style} {seed}")
    templates = _templates(style, draw)
    weights = [1 / rank ** draw.choice((1.0, 1.4, 1.8)) for rank in range(1, len(templates) + 1)]
    draw.shuffle(weights)
    maker = _Maker(draw)
    numbers = list(range(len(templates)))
    chosen = numbers[: n // 4] + draw.choices(numbers, weights, k=n - len(numbers[: n // 4]))
    draw.shuffle(chosen)
    return [maker.fill(templates[number]) for number in chosen], chosen


def _templates(style: str, draw: random.Random) -> list[str]:
    found = []
    for line in (FOLDER / f"{style}.txt").read_text().splitlines():
        if line.startswith("%%many"):
            found += [_sentence(draw) for _ in range(int(line.split()[1]))]
        else:
            found.append(line)
    return list(dict.fromkeys(found))


def _sentence(draw: random.Random) -> str:
    words = [draw.choice(_VERBS)]
    for _ in range(draw.randint(1, 4)):
        words += [draw.choice([*_ADJECTIVES, "the"]), draw.choice(_NOUNS)]
    ends = ["", "", " {n}", " for {user}", ": {hex}", " at {path}", " ({small} of {n})", " on {dev}", " = {float}"]
    return " ".join(words) + draw.choice(ends)


def grouping_accuracy(given: list[int], found: list[object]) -> float:
    """Give the share of messages whose group holds exactly the messages of their template."""
    true: dict[object, set[int]] = {}
    own: dict[object, set[int]] = {}
    for place, (one, other) in enumerate(zip(given, found, strict=True)):
        true.setdefault(one, set()).add(place)
        own.setdefault(other, set()).add(place)
    whole = {frozenset(places) for places in true.values()}
    return sum(len(places) for places in own.values() if frozenset(places) in whole) / len(given)


class _Maker:
    """Draws the parameters of one corpus: some of them have two values, others as many as there are messages."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.pools: dict[str, list[str]] = {}

    def fill(self, template: str) -> str:
        return _PIECE.sub(self._piece, template)

    def _piece(self, found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[2] is not None:
            return self.fill(found[2]) if self.draw.random() < 0.4 else ""
        kind = found[1]
        if "|" in kind:
            return self.draw.choice(kind.split("|"))
        if ":" in kind:
            way, kind = kind.split(":")
            least = 0 if way == "list0" else 1
            many = [self.value(kind) for _ in range(self.draw.choice((least, 1, 1, 2, 3, 6)))]
            return (" " if way == "spaced" else ", ").join(many)
        return self.value(kind)

    def value(self, kind: str) -> str:
        if kind in _POOLED:
            if kind not in self.pools:
                size = self.draw.choice((2, 3, 5, 8, 15, 40))
                self.pools[kind] = list(dict.fromkeys(_POOLED[kind](self.draw) for _ in range(size)))
            pool = self.pools[kind]
            return pool[min(int(self.draw.paretovariate(0.7)) - 1, len(pool) - 1)]
        return _DRAWN[kind](self.draw)


def _hex(draw: random.Random, n: int) -> str:
    return f"{draw.getrandbits(4 * n):0{n}x}"


def _int(draw: random.Random) -> int:
    return int(10 ** draw.uniform(0, draw.choice((2, 5, 9))))


def _ip(draw: random.Random) -> str:
    return ".".join(str(draw.randint(1, 254)) for _ in range(4))


def _host(draw: random.Random) -> str:
    name = draw.choice((*_WORDS, f"host-{_int(draw)}", f"{_ip(draw).replace('.', '-')}.dyn"))
    return f"{name}.{draw.choice(_WORDS)}.{draw.choice(('com', 'net', 'org', 'example.jp', 'edu'))}"


def _path(draw: random.Random) -> str:
    parts = [draw.choice((*_WORDS, _hex(draw, 6), f"part-{_int(draw):05d}")) for _ in range(draw.randint(2, 6))]
    return "/" + "/".join(parts) + draw.choice(("", "", ".log", ".xml", ".so.1"))


def _file(draw: random.Random) -> str:
    stem = draw.choice((draw.choice(_WORDS), f"scan_{_int(draw)}", f"{_int(draw)}-{_int(draw)}", draw.choice(_NAMES)))
    return stem + draw.choice((".pdf", ".tif", ".docx", ".png", ".c", ".log"))


def _date(draw: random.Random) -> str:
    return f"20{draw.randint(10, 26)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"


def _time(draw: random.Random) -> str:
    return f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}"


def _long_date(draw: random.Random) -> str:
    day = draw.choice(["Mon", "Tue", "Wed", "Thu", "Fri"])
    month = draw.choice(["Jan", "Feb", "Mar", "Jun", "Jul"])
    return f"{day} {month} {draw.randint(1, 28):2d} {_time(draw)} {draw.randint(2001, 2026)}"


def _b64(draw: random.Random) -> str:
    return "".join(draw.choices(string.ascii_letters + string.digits, k=draw.choice((12, 16, 22))))


def _lifetime(draw: random.Random) -> str:
    return draw.choice(("<1 sec", f"00:{draw.randint(0, 59):02d}", f"{draw.randint(0, 9)}:{_time(draw)[3:]}"))


def _size(draw: random.Random) -> str:
    return f"{draw.uniform(1, 999):.1f} {draw.choice(('B', 'KB', 'MB', 'GB'))}"


def _dur(draw: random.Random) -> str:
    return draw.choice(
        (f"{draw.uniform(0, 90):.1f}s", f"{_int(draw)}ms", f"{draw.randint(1, 9)}m{draw.randint(0, 59)}s")
    )


def _one_of(words: str, between: str | None = None) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(words.split(between))


def _app(draw: random.Random) -> str:
    return ".".join(("com", *draw.sample(_WORDS, draw.randint(1, 3))))


def _uuid(draw: random.Random) -> str:
    return "-".join(_hex(draw, n) for n in (8, 4, 4, 4, 12))


def _mac(draw: random.Random) -> str:
    return ":".join(_hex(draw, 2) for _ in range(6))


def _loc(draw: random.Random) -> str:
    rack, board = draw.randint(0, 77), _hex(draw, 1).upper()
    return f"R{rack:02d}-M{draw.randint(0, 1)}-N{board}-C:J{draw.randint(2, 17):02d}-U{draw.randint(1, 11):02d}"


def _java_stack(draw: random.Random) -> str:
    return ".".join(("com", *draw.sample(_WORDS, 2), draw.choice(_NAMES) + f".run:{_int(draw)}"))


#: Kinds of which a corpus has few values.
_POOLED = {
    "user": _one_of(" ".join(_USERS)),
    "word": _one_of(" ".join(_WORDS)),
    "name": _one_of(" ".join(_NAMES)),
    "cmd": _one_of(" ".join(_COMMANDS)),
    "driver": _one_of("usbfs hub hiddev usbhid uhci_hcd ehci_hcd floppy"),
    "exc": _one_of(" ".join(_EXCEPTIONS)),
    "host": _host,
    "hostfix": _host,
    "hostn": lambda draw: f"{draw.choice(('node', 'cn', 'worker-', 'dn', 'MININT-'))}{draw.randint(1, 900)}",
    "hostip": lambda draw: draw.choice((_ip, _host))(draw),
    "app": _app,
    "tag": lambda draw: draw.choice(("View Lock", "*launch*", "RILJ_ACK_WL", "AudioMix", "*alarm*", "WindowManager")),
    "algo": _one_of("diffie-hellman-group1-sha1 aes128-cbc curve25519-sha256 ssh-rsa hmac-sha1"),
    "dev": _one_of("eth0 eth1 lo tun0 wlan0 tmpfs sysfs rootfs proc"),
    "disk": _one_of("sda sdb1 hda hdb sdc2 dm-0"),
    "fs": _one_of("ext3 tmpfs proc sysfs usbfs rpc_pipefs"),
    "key": lambda draw: ".".join(draw.sample(_WORDS, draw.randint(2, 3))),
    "ext": _one_of(".exe .dwg .psd .mp4 .zip"),
    "mime": _one_of("application/zip video/mp4 image/heic application/x-dosexec"),
    "lang": _one_of("tlh la eo xx"),
    "cpu": _one_of("Intel(R) Pentium(R) 4 CPU 2.80GHz;AMD Athlon(tm) 64;Intel Celeron", ";"),
    "email": lambda draw: f"{draw.choice(_USERS)}{draw.choice(('', '1', '.x'))}@{_host(draw)}",
    "javacls": lambda draw: f"org.{draw.choice(_WORDS)}.{draw.choice(_WORDS)}.{draw.choice(_NAMES)}",
    "iface": lambda draw: (
        f"{draw.choice(('GigabitEthernet', 'FastEthernet', 'Vlan'))}{draw.choice(('0/1', '1/0/24', '12', '0/2'))}"
    ),
    "sentence": lambda draw: " ".join(draw.choices(_FREE, k=draw.randint(2, 7))),
    "nodeid": lambda draw: f"node-{draw.randint(0, 255)}",
    "ws": lambda draw: draw.choice(("null", f"WorkSource{{{_int(draw)}}}")),
}
#: Kinds that are drawn anew each time.
_DRAWN = {
    "n": lambda draw: str(_int(draw)),
    "small": lambda draw: str(draw.choice((0, 0, 1, 1, 2, 3, 5, 7, 12))),
    "bigneg": lambda draw: str(draw.choice((1, -1)) * draw.getrandbits(60)),
    "float": lambda draw: f"{draw.uniform(0, 99):.{draw.randint(1, 6)}f}",
    "neg": lambda draw: f"-{draw.randint(40, 120)}",
    "phone": lambda draw: f"+{draw.randint(1, 99)}{draw.randint(10**8, 10**9)}",
    "pct": lambda draw: f"{draw.uniform(0, 99):.1f}%",
    "hex": lambda draw: f"0x{draw.getrandbits(draw.choice((8, 32, 64))):x}",
    "hexs": lambda draw: _hex(draw, draw.choice((1, 4, 7, 8))),
    "hex4": lambda draw: _hex(draw, 4),
    "hex8": lambda draw: f"0x{_hex(draw, 8)}",
    "hex8x": lambda draw: f"0x{_hex(draw, 8)}",
    "hexid": lambda draw: _hex(draw, 10).upper(),
    "hexlong": lambda draw: _hex(draw, 32),
    "ip": _ip,
    "ipport": lambda draw: f"{_ip(draw)}:{draw.randint(1024, 65535)}",
    "port": lambda draw: str(draw.choice((22, 80, 443, 8080, draw.randint(1024, 65535)))),
    "b64": _b64,
    "longdate": _long_date,
    "date": _date,
    "datetime": lambda draw: f"{_date(draw)} {_time(draw)}",
    "winstamp": lambda draw: f"{_date(draw).replace('-', '/')}:{_time(draw)}.{draw.randint(0, 999):03d}",
    "path": _path,
    "winpath": lambda draw: "C:" + _path(draw).replace("/", "\\"),
    "file": _file,
    "url": lambda draw: f"https://{_host(draw)}{_path(draw)}",
    "uuid": _uuid,
    "id": lambda draw: f"{draw.choice(('dfl', 'pjb', 'cfg'))}-{_hex(draw, 12)}",
    "size": _size,
    "dur": _dur,
    "lifetime": _lifetime,
    "mac": _mac,
    "macdot": lambda draw: ".".join(_hex(draw, 4) for _ in range(3)),
    "ver": lambda draw: ".".join(str(draw.randint(0, 20)) for _ in range(draw.choice((2, 3, 3, 4)))),
    "pci": lambda draw: f"0000:{_hex(draw, 2)}:{_hex(draw, 2)}.{draw.randint(0, 7)}",
    "bus": lambda draw: f"{draw.randint(1, 4)}-{draw.randint(1, 6)}",
    "loc": _loc,
    "bool": lambda draw: draw.choice(("true", "false")),
    "code": lambda draw: str(draw.choice((200, 200, 204, 404, 403, 500, 502))),
    "range": lambda draw: f"{draw.randint(0, 63)}-{draw.randint(64, 127)}",
    "podname": lambda draw: f"{draw.choice(_WORDS)}-{_hex(draw, 9)}-{_b64(draw)[:5].lower()}",
    "sql": lambda draw: f"VACUUM {', '.join(draw.sample(_WORDS, draw.randint(1, 4)))}",
    "kv": lambda draw: (
        f"{draw.choice(_WORDS)}.{draw.choice(_WORDS)} -> {draw.choice((_int(draw), 'delete', 'producer'))}"
    ),
    "javastack": _java_stack,
}
