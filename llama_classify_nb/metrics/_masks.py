"""What varies from message to message, found by its looks: numbers, paths, addresses, ids."""

from __future__ import annotations

import re

#: Begins a number that names the failure, so that it counts as a word.
KEPT = "\x02"
#: The words that stand for what varies.
KINDS = "url|email|text|data|ip|time|duration|size|file|path|hex|id|n"

_OWN_MARKS = dict.fromkeys((1, 2))
# A reason is a sentence: what comes after this many characters doesn't tell messages apart.
_LONGEST = 1000

EXTENSIONS = (
    "pdf|tiff?|png|jpe?g|jp2|gif|bmp|webp|svg|eps|ps|docx?|xlsx?|pptx?|odt|ods|odp|rtf|txt|csv|tsv|json|jsonl|xml|html?|md|"
    "eml|msg|zip|gz|tar|7z|py|log|tmp|bin|parquet|c|cc|cpp|h|java|so|jar|sh|conf|cfg|properties|dll|exe"
)
_DAYS, _MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = r"\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?"

# What varies from job to job, and the word that stands for it; of two that begin at one place, the upper one wins.
# A plain word is passed over at once: most of a message is words.
# Every pattern is bounded or moves on through characters that end it, so that the time grows with the text alone.
_VARIABLE = re.compile(
    r"""
      (?P<word>(?<!\S)(?!(?:HTTP|status|code|errno|error|DAYS|MONTHS)\b)[a-z]+(?!\S))
    | (?P<kept>\bHTTP(?:/\d\.\d)?(?:[ =:]{1,2}(?:status|error|code)){0,2}[ =:]{1,2}[45]\d\d(?![\w.%])
             | \bstatus[ ]code[ =:]{1,2}[45]\d\d(?![\w.%])
             | \b[45]\d\d[ ](?=(?:Client|Server)[ ]Error\b)
             | \b(?:code|errno|error(?:[ ]code)?)[ =:][ ]?-?(?:0x[0-9a-f]{1,8}|\d{1,4})(?![\w.%]))
    | (?P<url>\b[a-z][a-z0-9+.-]{1,15}://[^\s'"<>`)\],;]*[^\s'"<>`)\],;:.])
    | (?P<email>(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8})
    | (?P<bytes>'b'[^'\n]{0,400}'')
    | (?P<text>(?!\A)(?!"(?:GET|POST|PUT|DELETE|HEAD|PATCH|OPTIONS)[ ]/)
               (?<!\w)b?(?:'[^'\n]{0,400}'(?!\w)'* | "[^"\n]{0,400}"(?!\w) | `[^`\n]{1,400}`)
               | “[^”\n]{0,400}” | ‘[^’\n]{0,400}’ | «[^»\n]{0,400}»)
    | (?P<data>[\[{](?=[/'"<({\[]|-?\d{1,20},)(?:[^\[\]{}\n]|[\[{][^\[\]{}\n]{0,300}[\]}]){0,600}[\]}])
    | (?P<ip>(?<![\w.])/?\d{1,3}(?:\.\d{1,3}){3}(?:[:]\d{1,5})?(?![\w.]*\w)
           | (?<![\w:])[0-9a-f]{1,4}(?:[:][0-9a-f]{1,4}){5,7}(?![\w:])
           | (?<![\w.])[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?![\w.]))
    | (?P<time>(?<!\d)\d{4}[-/]\d\d[-/]\d\d(?:[T :]CLOCK(?:[ ]?(?:Z|UTC|[+-]\d\d:?\d\d))?)?(?!\d)
             | (?<![\d:.])(?:CLOCK|\d{1,3}:\d\d)(?![\d:.])
             | \b(?:(?:DAYS),?[ ])?(?:MONTHS)[ ]{1,2}\d\d?[ ](?:\d{4}[ ])?CLOCK(?:[ ][A-Z]{3,4})?(?:[ ]\d{4})?\b)
    | (?P<duration>(?<![\w.:,/-])(?:<[ ]?)?\d+(?:\.\d+)?[ ]?(?:ns|us|µs|ms|msecs?|millis(?:econds?)?|s|secs?|seconds?|
                   mins?|minutes?|hours?|days?)(?![\w/-]|\(s)
                  | (?<![\w.:,/-])\d{1,4}[dhm]\d{1,2}[hms](?:\d{1,2}s)?(?!\w))
    | (?P<size>(?<![\w.:,/-])\d+(?:[.,]\d+)*[ ]?(?:B|[KMGT]i?B|[kMG]iB|kB)(?![\w/-]))
    | (?P<file>(?<![\w.+@~/\\-])(?:[a-z]:)?[\w.+@~/\\-]{1,400}\.(?:EXTENSIONS)(?:\.\d{1,4}){0,4}(?![\w/\\-]))
    | (?P<path>(?<![\w.<])(?:[a-z]:\\|~?/)(?:[\w.+@~%$#-]{1,200}[/\\]){1,40}[\w.+@~%$#*-]{0,200}
             | (?<![\w.<>/])/[\w.+@~-]{2,200}(?![\w/]))
    | (?P<hex>\b0x[0-9a-f]+)
    | (?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b
             | \b(?=[a-f]{0,64}\d)(?=\d{0,64}[a-f])[0-9a-f]{8,64}\b
             | (?<![\w-])[a-z]{2,16}[_-](?=[a-z]{0,64}\d)(?=\d{0,64}[a-z])[a-z0-9]{6,64}(?![\w-])
             | (?<![\w-])(?=[a-z_-]{0,64}\d)(?=[\d_-]{0,64}[a-z])
               (?!(?:[a-z]{1,40}\d{0,40}[_-]|\d{1,40}[_-]){0,40}(?:[a-z]{1,40}\d{0,40}|\d{1,40}[a-z]{0,3})(?![\w-]))
               [\w-]{16,128}(?![\w-]))
    | (?P<n>(?:(?<!\w)[+-])?(?<![^\W_])\d+(?:[.,]\d+)*)
    """.replace("EXTENSIONS", EXTENSIONS)
    .replace("CLOCK", _CLOCK)
    .replace("DAYS", _DAYS)
    .replace("MONTHS", _MONTHS),
    re.VERBOSE | re.IGNORECASE,
)
_CODE = re.compile(r"-?(?:0x)?[0-9a-fA-F]+(?= ?$)")
_TRACEBACK = "Traceback (most recent call last):"
_CHAINS = (_TRACEBACK, "The above exception was the direct cause", "During handling of the above exception")
_MODULE = re.compile(r"(?:[A-Za-z_]\w{0,100}\.){1,20}(?!(?:Error|Exception)\b)(?=[A-Z]\w{0,100}(?::|$))")


def sentence(message: str) -> str:
    """Give the sentence of a message that says what happened, with words for what varies; "" if there is none."""
    line = " ".join(_telling_line(message)[: _LONGEST + 1].translate(_OWN_MARKS).split())
    line = _MODULE.sub("", line, count=1) if _MODULE.match(line) else line
    masked = _VARIABLE.sub(_mask, line[:_LONGEST])
    return masked + "…" if len(line) > _LONGEST else masked


def _mask(found: re.Match[str]) -> str:
    kind = str(found.lastgroup)
    if kind == "word":
        return found[0]
    if kind == "kept":
        return _CODE.sub(KEPT + r"\g<0>", found[0])
    return "<text>" if kind == "bytes" else f"<{kind}>"


def _telling_line(message: str) -> str:
    """Give the line with the last exception of a Python traceback; of any other message, its first line."""
    start = max(message.rfind(chain) for chain in _CHAINS) if _TRACEBACK in message else -1
    if start < 0:
        return message.lstrip().partition("\n")[0]
    for line in message[start:].split("\n")[1:]:
        if line.strip() and not line[0].isspace():
            return line
    return message[:start].rstrip().rpartition("\n")[2] or _TRACEBACK
