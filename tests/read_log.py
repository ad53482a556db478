#!/usr/bin/env python3
"""Reads the transfer log of a node from its disk. Written from docs/formats/journal.md and transfer-log.md alone, with the
standard library only; only reads.

    read_log.py [--key HEX] DIR..        DIR is data/translog of a node that does not run, or a copy of it

Prints one line per log, "OK .." or "FAIL ..", and exits 1 if any fails.
"""
import base64, os, re, sys
from verify_export import check, entry, note, root, sha

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)

def crc32c(*parts):
    state = 0xFFFFFFFF
    for part in parts:
        for byte in part:
            state = state >> 8 ^ TABLE[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF

def number(b):
    return int.from_bytes(b, "big")

def record_at(data, at, salt):
    """Whole length, sequence number, durable, flags and content of the record at a place; None where there is none."""
    head = data[at : at + 25]
    if len(head) < 25 or number(head[:4]) > 16 << 20:
        return None
    whole = data[at : at + 25 + number(head[:4])]
    if len(whole) < 25 + number(head[:4]) or crc32c(salt, whole[:4], whole[8:]) != number(whole[4:8]):
        return None
    seq, durable, flags = number(head[8:16]), number(head[16:24]), head[24]
    return (len(whole), seq, durable, flags, whole[25:]) if durable <= seq and flags <= 1 else None

def unwritten(data, begin, end):
    """Whether a sector that ends between these places is zero from `begin` on."""
    for sector in range(begin // 512, end // 512):
        part = data[max(begin, sector * 512) : (sector + 1) * 512]
        if len(part) >= 8 and not any(part):
            return True
    return False

def torn(data, at, seq, salt):
    """Whether the bad bytes at a place can be the rest of writes that were never synced."""
    first, place = None, at + 1
    while len(data) - place >= 25:
        found = record_at(data, place, salt)
        if found and 0 < found[1] - seq <= 1 << 32:
            if found[2] > seq:
                return False
            first = place if first is None else first
            place += found[0]
        else:
            place += 1
    return first is None or unwritten(data, at, first)

def journal(folder):
    """The records of a journal in order, and the length of a torn tail."""
    names = sorted(name for name in os.listdir(folder) if re.fullmatch("[0-9a-f]{16}[.]seg", name))
    check(names and names[0] == "0" * 16 + ".seg", "the first segment")
    records = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        check(len(data) >= 36 and data[:8] == b"KPSEG001", "head of " + name)
        check(number(data[8:16]) == int(name[:16], 16) == len(records), "records before " + name)
        check(crc32c(data[:32]) == number(data[32:36]), "head of " + name)
        salt, at, batch = data[16:32], 36, None
        while at < len(data):
            found = record_at(data, at, salt)
            if not found or found[1] != len(records):
                check(name == names[-1] and torn(data, at, len(records), salt), "%s is damaged at byte %d" % (name, at))
                break
            if found[3]:
                batch = batch or (len(records), at)
            else:
                batch = None
            records.append(found[4])
            at += found[0]
        if batch:
            check(name == names[-1], "a batch breaks off in " + name)
            records, at = records[: batch[0]], batch[1]
    return records, len(data) - at

class Bytes:
    def __init__(self, b):
        self.rest = b
    def take(self, n):
        check(len(self.rest) >= n, "broken off")
        part, self.rest = self.rest[:n], self.rest[n:]
        return part
    def number(self, n):
        return number(self.take(n))
    def all(self, one):
        return [one() for _ in range(self.number(4))]
    def announced(self):
        side = self.take(16), self.number(1), self.take(20)
        return side, (self.number(8), self.number(1))

def resume(b):
    """Size, roots of the complete subtrees, open transfers; those of no entry when the file is not whole."""
    try:
        return whole_resume(b)
    except ValueError:
        return 0, [], {}

def whole_resume(b):
    check(sha(b[:-32]) == b[-32:], "sum")
    rest = Bytes(b[:-32])
    check(rest.take(5) == b"KPTR\x04", "version")
    size = rest.number(8)
    peaks = [rest.take(32) for _ in range(rest.number(1))]
    opened = dict(rest.all(rest.announced))
    rest.all(lambda: (rest.announced(), rest.number(8)))
    rest.all(lambda: (rest.take(20), rest.number(8)))
    newest, begun = rest.number(8), rest.number(8)
    check(not rest.rest and newest <= size and begun <= newest, "end")
    return size, peaks, opened

def subtrees(leaves):
    found, at = [], 0
    for bit in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> bit & 1:
            found.append(root(leaves[at : at + (1 << bit)]))
            at += 1 << bit
    return found

def open_after(entries):
    """The announced transfers without an end: by transfer, direction and partner the number of the first INTENT."""
    found = {}
    for n, one in enumerate(entries):
        side = one[1], one[5][0], (one[8] if one[5] == b"\x02" else one[9]) or bytes(20)
        if one[6] == b"\x01":
            found.setdefault(side, n)
        elif one[6] in (b"\x02", b"\x04"):
            found.pop(side, None)
    return found

def read(folder, key):
    records, tail = journal(os.path.join(folder, "journal"))
    entries, leaves = [entry(record) for record in records], [sha(b"\x00" + record) for record in records]
    with open(os.path.join(folder, "checkpoint"), "rb") as f:
        signed = f.read()
    lines = signed.decode("utf-8").split("\n")
    if key:
        lines, _ = note(signed, lines[0], key)
    size = int(lines[1])
    check(size <= len(leaves), "the log is shorter than its checkpoint")
    check(lines[2] == base64.b64encode(root(leaves[:size])).decode(), "the entries are not those that were signed")
    at = 0
    if os.path.exists(os.path.join(folder, "resume")):
        with open(os.path.join(folder, "resume"), "rb") as f:
            at, peaks, opened = resume(f.read())
        check(at <= size and peaks == subtrees(leaves[:at]), "the tree of resume")
        check({side: n for side, (n, _) in opened.items()} == open_after(entries[:at]), "the open transfers of resume")
    return "%d entries, %d signed, %d resumed, torn tail %d, root %s" % (len(leaves), size, at, tail, root(leaves).hex())

def main(arguments):
    key, bad = None, 0
    if arguments[:1] == ["--key"]:
        key, arguments = bytes.fromhex(arguments[1]), arguments[2:]
    for folder in arguments:
        try:
            print("OK", folder, read(folder, key))
        except (ValueError, KeyError, IndexError, TypeError, OSError) as fault:
            bad += 1
            print("FAIL", folder, " ".join(repr(fault).split()))
    return 1 if bad or not arguments else 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
