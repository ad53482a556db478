"""Reference program for docs/ketenepisode.md: IND-06K, IND-15 and IND-16 of a region, unprotected, as JSON.

usage: KETENPOORT_ORACLE=DIR episode.py --in REGION --period 2023 [2023-Q1 ..]
Rows are read by the oracle's own reading (definitions.md 1); everything else is written from docs/ketenepisode.md.
"""
import argparse, collections, json, os, sys

sys.path.insert(0, os.environ["KETENPOORT_ORACLE"])
import oracle  # noqa: E402

GAP = WINDOW = 365
TYPES = ("LT", "JBT", "VT", "RVDK", "GI", "JHA")
REPORTS = ("VT_MELDING", "JBT_AANMELDING", "LT_AANMELDING")


def children(path):
    """Of each child its exact chain events, its inflow starts and the closing days of its measures; horizon and start."""
    doc, stored, _, _ = oracle.load(path, "files")
    H, F = oracle.ordinal(doc["gegevens_tot"]), oracle.ordinal(doc["gegevens_van"])
    found = collections.defaultdict(lambda: {"events": [], "starts": [], "ends": []})
    for org, events in stored:
        taken = {(n[0], n[8], d[1]) for _, n, s, d, _, _ in events if s and d[0] == "D" and n[5] == "GI_OVERGENOMEN"}
        for eid, norm, subject, (precision, lo, hi, _), _, _ in events:
            typ, measure = norm[5], norm[8]
            if subject is None or precision == "U" or lo > H or oracle.OWNER[typ] not in TYPES:
                continue
            child = found[subject]
            if precision == "D":
                child["events"].append((lo, org, eid, typ, oracle.OWNER[typ]))
            if typ == "GI_PJB_START":
                child["starts"].append((hi, lo, precision, measure))
            if typ == "GI_MAATREGEL_START":
                late = precision == "D" and any((subject, measure, lo + k) in taken for k in (-1, 0, 1))
                if not late:
                    child["starts"].append((hi, lo, precision, measure))
            if typ in ("GI_MAATREGEL_EINDE", "GI_PJB_EINDE"):
                child["ends"].append((lo, hi, measure))
    for child in found.values():
        child["events"].sort()
    return found, H, F


def running(child, t):
    """A measure runs on day t: KETEN stock of IND-03."""
    last = {}
    for hi, lo, _, measure in child["starts"]:
        if hi <= t:
            last[measure] = max(last.get(measure, (hi, lo)), (hi, lo))
    return any(not any(m == measure and elo <= t and ehi >= lo for elo, ehi, m in child["ends"])
               for measure, (_, lo) in last.items())


def begins(child, d):
    """Whether an episode begins on day d: nothing in the year before, and no measure running."""
    return not any(d - GAP <= e[0] < d for e in child["events"]) and not running(child, d - 1)


def anchor(child, a, b, types):
    """The first event of these types in the period on whose day an episode begins."""
    return next((e for e in child["events"] if a <= e[0] <= b and (types is None or e[3] in types) and begins(child, e[0])), None)


def frames(found, a, b, types, H, F):
    """Units with complete windows, and how many have none: (child, day) each."""
    full, back, open_ = [], 0, 0
    for child in found.values():
        e = anchor(child, a, b, types)
        if e is None:
            continue
        if e[0] - GAP < F:
            back += 1
        elif e[0] + WINDOW > H:
            open_ += 1
        else:
            full.append((child, e[0]))
    return full, {"noemer": len(full), "n_onvolledige_terugblik": back, "n_gecensureerd": open_}


def ind06k(found, a, b, H, F):
    full, out = frames(found, a, b, REPORTS, H, F)
    leads, without = [], 0
    for child, d in full:
        start = min((lo for _, lo, precision, _ in child["starts"] if precision == "D" and d <= lo <= d + WINDOW), default=None)
        if start is None:
            without += 1
            continue
        help_ = min((e[0] for e in child["events"] if e[3] in ("JH_START", "GI_PLAN") and start <= e[0] <= d + WINDOW),
                    default=None)
        if help_ is not None:
            leads.append(help_ - d)
    return {**out, "n_zonder_maatregel": without, "teller": len(leads), **{k: v for k, v in oracle.spread(leads).items() if k != "n"}}


def course(child, d):
    return [e for e in child["events"] if d <= e[0] <= d + WINDOW]


def ind15(found, a, b, H, F):
    full, out = frames(found, a, b, None, H, F)
    bands, handed = collections.Counter(), collections.Counter()
    for child, d in full:
        events = course(child, d)
        n = len({e[1] for e in events})
        bands["1-2" if n <= 2 else "3" if n == 3 else "4" if n == 4 else "5+"] += 1
        k = sum(e[3] in ("LT_OVERDRACHT", "VT_OVERDRACHT", "GI_OVERGEDRAGEN") for e in events)
        handed["0" if k == 0 else "1" if k == 1 else "2+"] += 1
    return {**out, "organisaties": {k: bands[k] for k in ("1-2", "3", "4", "5+")},
            "overdrachten": {k: handed[k] for k in ("0", "1", "2+")}}


def ind16(found, a, b, H, F):
    full, out = frames(found, a, b, None, H, F)
    paths = collections.Counter()
    for child, d in full:
        first = {}
        for e in course(child, d):
            first.setdefault(e[4], e[0])
        paths[">".join(sorted(first, key=lambda t: (first[t], TYPES.index(t))))] += 1
    return {**out, "paden": dict(sorted(paths.items(), key=lambda p: (-p[1], p[0])))}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--in", dest="path", required=True)
    arguments.add_argument("--period", nargs="+", required=True)
    arguments = arguments.parse_args()
    found, H, F = children(arguments.path)
    out = {}
    for period in arguments.period:
        a, b = oracle.period_bounds(period)
        out[period] = {"IND-06K": ind06k(found, a, b, H, F), "IND-15": ind15(found, a, b, H, F),
                       "IND-16": ind16(found, a, b, H, F)}
    print(json.dumps(out, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
