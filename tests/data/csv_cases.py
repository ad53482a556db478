#!/usr/bin/env python3
"""Writes small files with what the oracle's reader makes of them: csv-cases.json.

  csv_cases.py ORACLE_DIR OUT [NUMBER]
Each case: the bytes in hexadecimal, and either the refusal or the rows (line, the six fields).
"""
import json
import random
import sys

sys.path.insert(0, sys.argv[1])
import oracle  # noqa: E402

NAMES = ["event_id", "status", "gemeente", "type", "datum", "geregistreerd_op"]
ENDS = ["\n", "\r\n", "\r"]


def field(rnd, sep):
    kind = rnd.random()
    if kind < 0.3:
        return "".join(rnd.choice("ab1 é€😀") for _ in range(rnd.randrange(4)))
    if kind < 0.6:
        inner = "".join(rnd.choice(['a', '""', sep, "\n", "\r", "\r\n", "é", " ", "\0"]) for _ in range(rnd.randrange(5)))
        return '"' + inner + '"'
    if kind < 0.7:
        return 'a"b"' + rnd.choice(["", '"', '""'])
    return rnd.choice(["x", "", "12", "O'Brien", "é"])


def case(rnd):
    names = NAMES[:]
    rnd.shuffle(names)
    if rnd.random() < 0.06:
        names[rnd.randrange(6)] = rnd.choice(["naam", "EVENT_ID", "event_id ", "", "datum", "bsn"])
    if rnd.random() < 0.05:
        names = names + [rnd.choice(["bsn", "zaak", "datum", "x", ""])]
    sep, end = rnd.choice(";,"), rnd.choice(ENDS)
    quote = rnd.random() < 0.2
    text = sep.join('"%s"' % n if quote else n for n in names) + end
    for _ in range(rnd.randrange(5)):
        n = len(names) if rnd.random() < 0.97 else rnd.randrange(8)
        text += sep.join(field(rnd, sep) for _ in range(n))
        text += end if rnd.random() < 0.95 else rnd.choice(ENDS)
    if rnd.random() < 0.15:
        text += "".join(rnd.choice(ENDS) for _ in range(rnd.randrange(3)))
    if rnd.random() < 0.3 and text.endswith(end):
        text = text[:-len(end)]
    if rnd.random() < 0.1:
        text = "\ufeff" + text
    data = bytearray(text.encode("utf-8"))
    while data and rnd.random() < 0.25:
        at = rnd.randrange(len(data))
        what = rnd.random()
        if what < 0.4:
            data[at:at] = rnd.choice([b'"', b"\n", b"\r", b";", b",", b"\xc3", b"\x80", b" ", b"\xed\xa0\x80", b"\xef\xbb\xbf"])
        elif what < 0.8:
            del data[at]
        else:
            data[at] = rnd.choice(b'";,\n\ra\xff')
    return bytes(data)


def answer(data):
    try:
        rows = oracle.parse_file(data)
    except oracle.Refused as e:
        return {"hex": data.hex(), "refused": str(e).split(":")[0]}
    return {"hex": data.hex(), "rows": [[line, [r[c] for c in NAMES]] for line, r in rows]}


def main():
    rnd = random.Random(4)
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 500
    fixed = [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb", b"a", b'"', b'""', b"\r\n\r\n", b"\xff"]
    cases = [answer(d) for d in fixed] + [answer(case(rnd)) for _ in range(number)]
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as fh:
        fh.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


main()
