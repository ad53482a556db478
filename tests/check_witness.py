#!/usr/bin/env python3
"""Checks witnesses of released tables (docs/formats/disclosure.md), written from that page alone. Standard library only.

Usage: check_witness.py [--report REPORT] WITNESS..     One line per witness: OK or FOUT with the reason. Exit 1 on any FOUT.
"""
import hashlib, json, re, sys

HEAD = "ketenpoort.nl/disclosure-witness/v1"
DERIVED = {"mediaan", "p80", "pct_binnen_norm"}
ORDER = {"table": 0, "cell": 1, "rest": 2, "known": 2, "sum": 3, "cover": 3, "at-most": 3, "world": 4, "proof": 5}


class Fault(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Fault(why)


def number(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,9}", text) and int(text) <= 10**9, "number " + text)
    return int(text)


def match(pattern, text):
    need(re.fullmatch(pattern, text), "not as described: " + text)
    return text


def read(data):
    need(data.endswith(b"\n") and all(b == 10 or 32 <= b < 127 for b in data), "no ASCII lines")
    lines = data.decode("ascii")[:-1].split("\n")
    day = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
    head = [HEAD, "salt [0-9a-f]{64}", "organisation [0-9]{20}", "convenant [0-9a-f]{64}", "released " + day, "until " + day]
    need(len(lines) >= 7, "too short")
    for pattern, line in zip(head, lines):
        match(pattern, line)
    w = {"oin": lines[2].split()[1], "tables": [], "cells": [], "rels": [], "worlds": [], "proofs": []}
    name, *rules = lines[6].split(" ")
    need(name == "rules" and len(rules) == 5, "rules")
    w["rules"] = [number(n) for n in rules]
    section = 0
    rest = lines[7:]
    if rest and rest[0].startswith("definitions "):
        need(number(rest.pop(0).split(" ", 1)[1]) > 1, "definitions")
    for line in rest:
        kind, *f = line.split(" ")
        need(all(f) and ORDER.get(kind, -1) >= section, "line: " + line)
        section = ORDER[kind]
        if kind == "table":
            state = match("new|earlier|margin|left-out|replaced|replaced-margin", f[0])
            match("-|[0-9a-f]{64}", f[1]), match(day, f[5]), match("IND-[0-9]{2}P?", f[2])
            match(r"[0-9]{4}(-Q[1-4]|-H[12]|-(0[1-9]|1[0-2]))?", f[4])
            need(all(d in ("gemeente", "maatregel", "leeftijd", "organisatie", "gebied") for d in f[6:]), "dimension")
            w["tables"].append((state, f[2], f[3], f[4], f[5], f[6:]))
        elif kind == "cell":
            need(len(f) >= 8 and number(f[0]) < len(w["tables"]), "cell")
            table = w["tables"][int(f[0])]
            need(len(f) == 8 + len(table[5]) and (table[0] in ("new", "earlier", "replaced") or f[1] == "hidden"), "key or kind of a cell")
            shown = match("shown|hidden", f[1]) == "shown"
            printed = f[5] if f[5] in ("x", "-", "=", "~") else number(f[5])
            need(printed not in ("=", "~") or not shown, "a shown cell is guarded elsewhere")
            w["cells"].append((int(f[0]), shown, *map(number, f[2:5]), printed, tuple(f[6:])))
        elif kind in ("rest", "known"):
            n, *more = map(number, f)
            alone = [n, min(n, 1)]
            need(more != alone and len(more) in (0, 2), "rest")
            w["cells"].append((None, False, n, *(more or alone), "x" if kind == "rest" else "=", ()))
        elif kind == "world":
            moves = [match("[0-9]+:[+-][0-9]+", m).split(":") for m in f]
            cells = [number(c) for c, _ in moves]
            need(cells == sorted(set(cells)) and all(number(by[1:]) for _, by in moves), "moves")
            w["worlds"].append(list(zip(cells, (int(by) for _, by in moves))))
        elif kind == "proof":
            need(len(f) == 3, "proof")
            w["proofs"].append([number(n) for n in f])
        else:
            need(f, "relation without a total")
            w["rels"].append((kind, [number(n) for n in f]))
    return w


def check(w):
    t, r, fam, dom, share = w["rules"]
    need(t >= 10 and 5 <= r <= t and fam >= 3 and dom <= 80 and share >= 30, "rules are too weak")
    names = [c[:1] + c[6:] for c in w["cells"] if c[0] is not None]
    queries = [(e[1], e[3], *e[5]) for e in w["tables"] if not e[0].startswith("replaced")]
    need(len(set(names)) == len(names) and len(set(queries)) == len(queries), "a cell or table is named twice")
    cells, bounds, secret = w["cells"], [], []
    for i, (name, shown, n, families, largest, printed, _) in enumerate(cells):
        small = n < t or families < fam or 100 * largest > dom * n
        sensitive = small and printed not in ("-", "=", "~")
        need(printed != "~" or small, f"cell {i} is large enough to be known")
        need(printed != "=" or name is None or not small, f"cell {i} is too small to be known")
        secret += [i] if sensitive else []
        if printed == "-":
            need(n == 0, f"cell {i} cannot be 0 only")
        elif isinstance(printed, int):
            need(shown and not sensitive and printed == (n + r // 2) // r * r, f"cell {i} is printed wrongly")
        low = printed - r // 2 if isinstance(printed, int) else 0
        bounds.append({"x": (0, None), "~": (0, None), "-": (0, 0), "=": (n, n)}.get(printed, (max(low, t), low + r - 1)))
    for i, (_, cs) in enumerate(w["rels"]):
        need(len(cs) > 1 and len(set(cs)) == len(cs) and max(cs) < len(cells), f"relation {i}")
    worlds = [[c[2] for c in cells]]
    for moves in w["worlds"]:
        world = list(worlds[0])
        for cell, by in moves:
            need(cell < len(cells), "unknown cell in a world")
            world[cell] += by
        worlds.append(world)
    for k, world in enumerate(worlds):
        for i, ((low, high), v) in enumerate(zip(bounds, world)):
            need(v >= low and (high is None or v <= high), f"world {k}, cell {i}")
        for i, (kind, (total, *parts)) in enumerate(w["rels"]):
            whole, values = world[total], [world[p] for p in parts]
            held = whole == sum(values) if kind == "sum" else whole <= sum(values)
            need(held and (kind != "cover" or max(values) <= whole), f"world {k}, relation {i}")
    need([p[0] for p in w["proofs"]] == secret, "not one proof for each sensitive cell")
    for cell, low, high in w["proofs"]:
        need(max(low, high) < len(worlds), "unknown world")
        low, high = worlds[low][cell], worlds[high][cell]
        need(low <= max(0, worlds[0][cell] - 1) and high >= t and high - low >= t, f"cell {cell} is pinned")


def quantile(counts, percent):
    bins = []
    for measure, value, mark in counts:
        if measure.startswith("bin:"):
            if value is None and mark != "-":
                return None, mark
            first, _, last = measure[4:].partition("-")
            bins.append((int(first.rstrip("+")), int(last) if last else None, value or 0))
    rank, before = (sum(n for _, _, n in bins) * percent + 99) // 100, 0
    for first, last, n in sorted(bins):
        if n > 0 and before + n >= rank:
            if last is None:
                return None, ">365" if first == 366 else None
            return first + ((rank - before) * (last - first + 1) - 1) // n, None
        before += n
    return None, "x"


def derived(w, indicator, counts):
    # What follows from the printed rows of one series and key.
    values, rows = {measure: value for measure, value, _ in counts}, []
    for part, whole in (("binnen_norm", "n"), ("teller", "noemer")):
        if part in values and whole in values:
            some, n = values[part], values[whole]
            told = some is not None and n is not None and n >= w["rules"][4]
            rows.append(("pct_binnen_norm", min(100, (200 * some + n) // (2 * n)) if told else None, None if told else "x"))
    if indicator != "IND-17" and any(measure.startswith("bin:") for measure in values):
        rows += [(name, *quantile(counts, percent)) for name, percent in (("mediaan", 50), ("p80", 80))]
    return rows


def compare(w, table):
    key = (table["indicator"], table["version"], table["period"], table["peildatum"], table["by"])
    at = [i for i, e in enumerate(w["tables"]) if e[0] in ("new", "left-out") and tuple(e[1:]) == key]
    need(len(at) == 1 and table["sources"] == [w["oin"]] and table["scope"] == "organisatie", f"{key[0]} is not in the witness")
    shown = {c[6]: c[5] for c in w["cells"] if c[0] == at[0] and c[1]}
    for row in table["rows"]:
        bare = len(row["key"]) == len(table["by"]) and row.get("low") is None and row.get("high") is None
        need(bare, f"{key[0]}: a row says more than a release may")
        name = (row["series"], row["measure"], *(row["key"][d] for d in table["by"]))
        if row["measure"] in DERIVED or (row["mark"] == "." and name not in shown):
            continue
        seen = row["value"] if row["mark"] is None else row["mark"]
        left_out = w["tables"][at[0]][0] == "left-out"
        need(seen == ("x" if left_out else shown.pop(name, None)), f"{key[0]}: {name}")
    need(not shown, f"{key[0]}: rows are missing")
    groups, said, last = [], [], None
    for row in table["rows"]:
        place, fact = (row["series"], row["key"]), (row["measure"], row["value"], row["mark"])
        if row["measure"] in DERIVED:
            said.append((place, fact))
        else:
            groups += [(place, [])] if place != last else []
            groups[-1][1].append(fact)
            last = place
    follows = [(place, fact) for place, counts in groups for fact in derived(w, key[0], counts)]
    need(said == follows, f"{key[0]}: what is derived does not follow from what is printed")


if __name__ == "__main__":
    files, report, failed = sys.argv[1:], None, False
    if files[:1] == ["--report"]:
        report, files = json.load(open(files[1], encoding="utf-8")), files[2:]
    for path in files:
        data = open(path, "rb").read()
        certificate = "sha256:" + hashlib.sha256(data).hexdigest()
        try:
            witness = read(data)
            check(witness)
            tables = [t for t in report["tables"] if t["certificate"] == certificate] if report else []
            need(tables or not report, "no table bears this certificate")
            for table in tables:
                compare(witness, table)
            print("OK", certificate, len(tables))
        except (Fault, IndexError) as fault:
            failed = True
            print("FOUT", certificate, fault)
    sys.exit(failed)
