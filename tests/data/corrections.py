#!/usr/bin/env python3
"""Adds later deliveries to a generated region: corrections, deletions, redeliveries, twins, and files that are refused.

  corrections.py DIR
Deterministic: the choices follow from the row numbers, never from a random source.
"""
import csv
import io
import os
import sys

COLUMNS = ["event_id", "status", "bsn", "geboortedatum", "geslacht", "gemeente", "type", "datum", "geregistreerd_op",
           "maatregel", "reden", "kader", "uitkomst", "melder", "partij", "zaak", "gezin", "scheiding"]


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as fh:
        text = fh.read()
    first = text.split("\n", 1)[0]
    sep = ";" if first.count(";") >= first.count(",") else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=sep))


def write(path, rows, columns, tail=""):
    with open(path, "w", encoding="utf-8", newline="") as fh:
        out = csv.DictWriter(fh, columns, delimiter=";", lineterminator="\n", extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
        fh.write(tail)


def second(rows):
    """Unchanged, changed, deleted and twin rows of the first delivery, and deletions of nothing."""
    out = []
    for n, row in enumerate(rows):
        if n % 7 == 0:
            out.append(row)                                                   # the same again
        elif n % 11 == 0:
            out.append({**row, "zaak": row.get("zaak", "") + "-bis"})         # a correction
        elif n % 13 == 0:
            out.append({**row, "geregistreerd_op": "2025-06-01T09:00:00Z"})   # registered later
        elif n % 17 == 0:
            out.append({**row, "status": "3"})                                # taken away
        elif n % 19 == 0:
            out.append({**row, "event_id": "T" + row["event_id"][-40:]})      # a twin under another event_id
        elif n % 23 == 0:
            out.append({**row, "event_id": "weg-%d" % n, "status": "3"})      # nothing to take away
        elif n % 29 == 0:
            out.append({**row, "gemeente": "0000"})                           # in quarantine, replaces nothing
    return out


def third(rows, second_rows):
    """Brings back what was deleted, and deletes the elder of some twins so that the younger one counts."""
    out = []
    for n, row in enumerate(rows):
        if n % 34 == 0:
            out.append({**row, "status": "1"})
        elif n % 38 == 0:
            out.append({**row, "status": "3"})
    return out + second_rows[::5]


def main(path):
    for key in ("vtt", "gi-alfa", "gem-0153", "rvdk", "jha-linde"):
        rows = read(os.path.join(path, "events-%s.csv" % key))
        columns = [c for c in COLUMNS if c in rows[0]]
        two = second(rows)
        write(os.path.join(path, "events-%s.2.csv" % key), two, columns)
        write(os.path.join(path, "events-%s.3.csv" % key), third(rows, two), columns)
    vtt = read(os.path.join(path, "events-vtt.csv"))
    columns = [c for c in COLUMNS if c in vtt[0]]
    write(os.path.join(path, "events-vtt.4.csv"), vtt[:5], columns, "te;weinig;velden\n")       # refused
    write(os.path.join(path, "events-vtt.10.csv"), vtt[:9], columns, "\n\n")                    # after 4, not after 1
    write(os.path.join(path, "events-gi-alfa.4.csv"), [], columns)                              # a header only
    write(os.path.join(path, "events-rvdk.4.csv"), [], ["event_id", "status", "naam"])          # refused


main(sys.argv[1])
