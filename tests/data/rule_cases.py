#!/usr/bin/env python3
"""Writes the region `rules`: rows with values at the edge of every rule of definitions 1.2 and the oracle's outcomes.

  rule_cases.py ORACLE_DIR DIR [ROWS] [SEED]
"""
import csv
import datetime
import json
import os
import random
import sys

sys.path.insert(0, sys.argv[1])
import oracle  # noqa: E402

ORGS = [("alles", ["LT", "GEM", "JBT", "VT", "RVDK", "GI", "JHA"]), ("gi", ["GI"]), ("gem", ["LT", "GEM"])]
PLACES = [("0153", None, None), ("0141", "1990-01-01", "2023-12-31"), ("0141", "2024-02-01", None),
          ("0788", None, "2000-12-31"), ("0999", "2024-03-01", "2024-03-01")]


def bsn(rnd):
    while True:
        front = rnd.choice(["0", "1", "9"]) + "".join(rnd.choice("0123456789") for _ in range(7))
        for last in "0123456789":
            if oracle.elfproef(front + last):
                return front + last


def pick(rnd, good, bad, share=0.06):
    return rnd.choice(bad) if rnd.random() < share else rnd.choice(good)


def any_bsn(rnd, known):
    b = rnd.choice(known)
    return pick(rnd, [b] * 20 + [b[1:], "", "000000000", "999999999"],
                [b[:8], b[:-1] + "x", "0" + b, b + " ", " " + b, "00000000", "99999999", "001000007", "1" + b[1:], "-", "é"])


def date(rnd):
    d = datetime.date(2023, 12, 25) + datetime.timedelta(rnd.randrange(80))
    good = [d.strftime("%Y%m%d"), d.strftime("%d-%m-%Y"), d.isoformat(), d.strftime("%Y%m00"), "20240000", "00000000",
            "99999999", "19900101", "20000101", "2024-03-01"]
    bad = ["", "20240230", "20240015", "19891231", "19890000", "19891200", "1-1-2024", "2024-13-01", "00000100", "20241300",
           "00010101", "99991231", "2025-03-02", "2025-03-03", "2025-12-01", "2024-02-29 ", "２0240229"]
    return pick(rnd, good, bad)


def stamp(rnd):
    d = datetime.date(2024, 3, 1) + datetime.timedelta(rnd.randrange(3))
    good = [d.isoformat() + t for t in ("T10:00:00Z", "t23:59:60z", " 00:00:00+23:59", "T10:00:00.1234567891-01:00")]
    bad = ["", d.isoformat(), d.isoformat() + "T10:00:00", d.isoformat() + "T24:00:00Z", d.isoformat() + "T10:00Z",
           d.isoformat() + "T10:00:00.Z", "2024-02-30T10:00:00Z", d.isoformat() + "T10:00:00+0100", "0000-01-01T00:00:00Z"]
    return pick(rnd, good, bad)


def row(rnd, n, known, ids):
    types = sorted(oracle.OWNER)
    fresh = "%s-%d" % (rnd.choice(["a", "é", "x" * 50, "99" * 3]), n)
    eid = pick(rnd, [fresh] * 4 + [rnd.choice(ids or [fresh])], ["", "y" * 64, "y" * 65, "é" * 64, "é" * 65, "😀" * 64], 0.04)
    ids.append(eid)
    t = pick(rnd, types, ["", "gi_plan", "GI_PLAN ", "LT", "GI_", "VT_ONBEKEND"], 0.04)
    allowed = oracle.CODES.get(t, {})
    values = {"maatregel": ["11", "12", "21", "22", "23", "31"],
              "kader": ["VRIJWILLIG", "DRANG", "DWANG"], "melder": sorted(oracle.MELDERS),
              "uitkomst": ["1", "2", "3", "VRIJWILLIG", "PJB", "VTO", "GEEN", "J", "N", "REKEST", "ADVIES", "EINDE"],
              "reden": ["01", "04", "07", "11", "15", "31"]}
    out = {}
    for column, codes in values.items():
        fitting = sorted(allowed[column][0]) if column in allowed and allowed[column][0] else codes
        out[column] = pick(rnd, fitting * 3 + codes + [""], ["00", "21", "37", "42", "99", "08", "16", "j", " J", "０１"], 0.03)
    out.update({
        "event_id": eid, "status": pick(rnd, ["1"] * 12 + ["3"], ["", "2", "01", "1 "], 0.02), "bsn": any_bsn(rnd, known),
        "geboortedatum": pick(rnd, ["", "20100215", "15-02-2010", "20100200", "20100000", "00000000"], ["onbekend", "20100230"]),
        "geslacht": pick(rnd, ["M", "V", "O", "1", "2", "0", ""], ["m", "3", "X"], 0.03),
        "gemeente": pick(rnd, ["0153"] * 8 + ["0141"], ["", "153", "0788", "0999", "0000", "0153 ", "０153", "1530"], 0.06),
        "type": t, "datum": date(rnd), "geregistreerd_op": stamp(rnd),
        "partij": pick(rnd, ["", "00000099000880002603"], ["1", "0000009900088000260x", "000000990008800026033"], 0.02),
        "zaak": rnd.choice(["", "z1", "z2", "z 1", "Z1"]), "gezin": rnd.choice(["", "g1"]),
        "scheiding": pick(rnd, ["", "J", "N"], ["j", "O", "1"], 0.02)})
    return out


def main():
    folder = sys.argv[2]
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 700
    rnd = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 5)
    os.makedirs(folder, exist_ok=True)
    doc = {"schema": 1, "regio": "Regels", "gegevens_van": "1990-01-01", "gegevens_tot": "2025-12-31",
           "organisations": [{"key": k, "name": k, "oin": "%020d" % (i + 1), "org_type": "GI", "levert": levert,
                              "gemeente": None} for i, (k, levert) in enumerate(ORGS)],
           "gemeenten": [{"code": c, "van": a, "tot": b} for c, a, b in PLACES]}
    with open(os.path.join(folder, "organisations.json"), "w", encoding="utf-8", newline="\n") as fh:
        json.dump(doc, fh, indent=1)
    for key, _ in ORGS:
        known, ids = [bsn(rnd) for _ in range(6)], []
        for part in (1, 2):
            name = "events-%s%s.csv" % (key, "" if part == 1 else ".2")
            with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as fh:
                out = csv.DictWriter(fh, oracle.COLUMNS, delimiter=";", lineterminator="\n")
                out.writeheader()
                rows = [row(rnd, n + part * 100000, known, ids) for n in range(number // 2)]
                again = [{**r, "geregistreerd_op": stamp(rnd)} if rnd.random() < 0.3 else
                         {**r, "event_id": r["event_id"][:50] + "b"} if rnd.random() < 0.3 else r
                         for r in rnd.sample(rows, len(rows) // 6)]
                out.writerows(rows + again)
    _, _, quality, outcomes = oracle.load(folder, "files")
    with open(os.path.join(folder, "expected-rows.jsonl"), "w", encoding="utf-8", newline="\n") as fh:
        for key, rows in outcomes.items():
            for name, line, eid, outcome in rows:
                if outcome != "opgeslagen":
                    fh.write(json.dumps({"org": key, "file": name, "line": line, "event_id": eid, "outcome": outcome}) + "\n")
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8", newline="\n") as fh:
        json.dump({"IND-24": quality}, fh, separators=(",", ":"))
        fh.write("\n")


main()
