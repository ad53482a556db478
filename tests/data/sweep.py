#!/usr/bin/env python3
"""Writes what the oracle says of every organisation of a region by itself, for the sweep test: sweep/<org-key>.json.

  sweep.py ORACLE_DIR REGION_DIR
A list of documents: every year, half-year and quarter of 2021 to 2024 and some months in total, two periods by every
dimension and pair of dimensions, and the same again with a horizon in the middle of the data.
"""
import itertools
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
import oracle  # noqa: E402

YEARS = ["2021", "2022", "2023", "2024"]
TOTALS = YEARS + [y + part for y in YEARS for part in ("-H1", "-H2", "-Q1", "-Q2", "-Q3", "-Q4", "-02", "-11", "-12")]
DIMENSIONS = oracle.DIMS
BY = list(DIMENSIONS) + [",".join(p) for p in itertools.permutations(DIMENSIONS, 2)]


def documents(folder, key):
    for periods, by, horizon in ((TOTALS, [], None), (["2023", "2024-Q2"], BY, None), (TOTALS, [], "2024-05-17"),
                                 (["2023-H2", "2024"], BY, "2024-05-17")):
        doc, _ = oracle.run(folder, "files", periods, by, horizon)
        doc["IND-24"] = doc["IND-24"][key]
        yield doc


def main(path):
    doc, _ = oracle.read_region(path)
    os.makedirs(os.path.join(path, "sweep"), exist_ok=True)
    whole = []
    for periods, by, horizon, since in ((TOTALS, [], None, None), (["2023", "2024-Q2"], BY, None, None),
                                        (TOTALS, [], "2024-05-17", "2022-02-03"), (["2023-H2", "2024"], BY, "2024-05-17", None)):
        whole.append(oracle.run(path, "files", periods, by, horizon, since, 90 if horizon and by else 365)[0])
    with open(os.path.join(path, "sweep", "region.json"), "w", encoding="utf-8") as fh:
        json.dump(whole, fh, ensure_ascii=False, separators=(",", ":"))
    for org in doc["organisations"]:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(path, "organisations.json"), folder)
            for name in oracle.delivery_files(path, org["key"]):
                shutil.copy(os.path.join(path, name), folder)
            with open(os.path.join(path, "sweep", org["key"] + ".json"), "w", encoding="utf-8") as fh:
                json.dump(list(documents(folder, org["key"])), fh, ensure_ascii=False, separators=(",", ":"))


main(sys.argv[2])
