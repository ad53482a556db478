#!/usr/bin/env python3
"""Verifies exports of a transfer log. Written from docs/formats/transfer-log.md, witness.md and receipt.md alone, with the
standard library only.

    verify_export.py [--key HEX] [--needed K --witness OIN=HEX ..] [--party OIN=HEX ..] EXPORT..

--party: the signing key of a party of a trusted convenant, more than once for a party with a key in each of several; without
any the signers of receipts are not checked. Prints one line per export, "OK .." or "FAIL ..", and exits 1 if any fails. Slow
and simple on purpose.
"""
import base64, hashlib, json, os, sys, uuid

# --- Ed25519 verification, RFC 8032 section 5.1 -------------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)

def recover_x(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("not a point")
    return P - x if x & 1 != sign else x

def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    c, d = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = f - e, d - c, d + c, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result

def point_of(b):
    n = int.from_bytes(b, "little")
    y, sign = n & (1 << 255) - 1, n >> 255
    check(y < P, "not a point")
    x = recover_x(y, sign)
    return x, y, 1, x * y % P

BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)

def ed25519(key, message, signature):
    check(len(signature) == 64, "signature length")
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    check(s < L, "signature range")
    h = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    a, b = times(s, BASE), add(point_of(r), times(h, point_of(key)))
    check((a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0, "signature")

# --- the format page -----------------------------------------------------------------------------------------------------
def check(holds, text):
    if not holds:
        raise ValueError(text)

def sha(b):
    return hashlib.sha256(b).digest()

def texts(b):
    found = []
    while b:
        n = int.from_bytes(b[:2], "big")
        check(len(b) >= 2 and 0 < n <= len(b) - 2, "list")
        found.append(text(b[2 : 2 + n]))
        b = b[2 + n :]
    return found

def text(b):
    t = b.decode("utf-8")
    check(not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in t), "control character")
    return t

def size_of(n):
    return lambda b: check(len(b) == n, "length")

def kind(most):
    return lambda b: check(len(b) == 1 and 1 <= b[0] <= most, "kind")

def uuid7(b):
    check(len(b) == 16 and b[6] >> 4 == 7 and b[8] >> 6 == 2, "uuid")

def oins(b):
    check(len(b) % 20 == 0 and all(0x30 <= c <= 0x39 for c in b), "oin")

def oin(b):
    check(len(b) == 20, "oin"), oins(b)

def day(b):
    check(len(b) == 4 and -719162 <= int.from_bytes(b, "big", signed=True) <= 2932896, "day")

n4, n8, hash32, opaque = size_of(4), size_of(8), size_of(32), lambda b: None
FIELDS = [uuid7, size_of(16), n8, n8, kind(3), kind(5), kind(4), oin, oin, oins, text, hash32]
FIELDS += [text] * 10 + [kind(2), texts, texts, texts, text, n4, opaque, opaque, size_of(12), n8]
FIELDS += [hash32] * 4 + [n8, n8, kind(2), day, kind(3), hash32, hash32, size_of(6), n8, uuid7, n8]

def entry(b):
    check(b[:5] == b"KPTL\x01" and len(b) >= 21 and any(b[5:21]), "head of entry")
    rest, found = b[21:], [None]
    for number, rule in enumerate(FIELDS, 1):
        n = int.from_bytes(rest[:2], "big")
        check(len(rest) >= 2 and n <= len(rest) - 2, "entry broken off")
        value, rest = rest[2 : 2 + n], rest[2 + n :]
        check(value or number not in (1, 5, 6, 37), "required field %d" % number)
        if value:
            rule(value)
        found.append(value)
    check(not rest, "bytes after entry")
    phase = found[6][0]
    check(bool(found[7]) == (phase == 2) and bool(found[47]) == (phase == 5), "outcome or count")
    check((found[23] == b"\x02") == (phase == 3) and (phase != 3 or found[24]) and (phase != 5 or found[38]), "phase")
    return found

def root(hashes):
    if len(hashes) < 2:
        return hashes[0] if hashes else sha(b"")
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha(b"\x01" + root(hashes[:k]) + root(hashes[k:]))

def note(b, name, key):
    whole = b.decode("utf-8")
    check(all(ord(c) >= 0x20 and not 0x7F <= ord(c) < 0xA0 or c == "\n" for c in whole), "note characters")
    content, lines = whole.rsplit("\n\n", 1)
    check(lines.endswith("\n"), "note end")
    want = sha(name.encode() + b"\n\x01" + key)[:4]
    good = 0
    for line in lines[:-1].split("\n"):
        dash, who, blob = line.split(" ")
        raw = base64.b64decode(blob, validate=True)
        check(dash == "\u2014" and who and "+" not in who and len(raw) > 4, "note line")
        check(base64.b64encode(raw).decode() == blob, "note base64")
        if who == name and raw[:4] == want and not good:
            ed25519(key, (content + "\n").encode(), raw[4:])
            good += 1
    check(good, "not signed by this key")
    return content.split("\n"), lines.count("\n")

# Of answer, received and not-received: 1 has this line, 0 has not, None may have.
LINES = {
    "kind": (1, 1, 1), "signer": (1, 1, 1), "counterparty": (1, 1, 1), "transfer": (1, 1, 1), "time": (1, 1, 1),
    "counter": (1, 1, None), "decision": (1, 0, 0), "reason": (None, 0, 0), "entry": (1, 1, None), "peer-entry": (1, 1, 0),
    "query": (1, 1, None), "commitment": (None, 1, 0), "field": (None, None, 0), "aggregate": (None, None, 0),
    "rows": (None, None, 0), "checkpoint": (1, 1, 1),
}

def one_number(t):
    check(t.isascii() and t.isdigit() and str(int(t)) == t and int(t) < 2**64, "number")
    return int(t)

def one_hash(t):
    b = base64.b64decode(t, validate=True)
    check(len(b) == 32 and base64.b64encode(b).decode() == t, "hash")
    return b

def receipt(b, parties):
    """The lines of a receipt; its signature is checked when keys of parties are known."""
    check(len(b) <= 65535, "receipt length")
    content, lines = b.decode("utf-8").rsplit("\n\n", 1)
    check(lines.endswith("\n") and lines.count("\n") == 1, "one signature")
    head, *rest = content.split("\n")
    check(head == "ketenpoort.nl/receipt/v1", "head of receipt")
    said, order = {name: [] for name in LINES}, list(LINES)
    for line in rest:
        name, _, value = line.partition(" ")
        while order[0] != name:
            order.pop(0)
        said[name].append(value)
    column = ["answer", "received", "not-received"].index(said["kind"][0])
    for name, values in said.items():
        check(name in ("reason", "field") or len(values) < 2, "twice " + name)
        check(LINES[name][column] in (None, len(values[:1])), "line " + name)
    denied = said["decision"] == ["DENY"]
    check(denied or said["decision"] in ([], ["ALLOW"]), "decision")
    check(denied == bool(said["reason"]), "reason")
    check(column or bool(said["commitment"]) != denied, "commitment of an answer")
    check(said["signer"] != said["counterparty"], "its own receipt")
    oin(said["signer"][0].encode()), oin(said["counterparty"][0].encode())
    id = uuid.UUID(said["transfer"][0])
    check(str(id) == said["transfer"][0], "transfer"), uuid7(id.bytes)
    said["time"] = one_number(said["time"][0])
    for name in ("counter", "rows"):
        said[name] = [one_number(t) for t in said[name]]
    for name in ("entry", "peer-entry", "query", "commitment"):
        said[name] = [one_hash(t) for t in said[name]]
    for t in said["aggregate"]:
        check(len(t.split(" ")) == 3 and all(one_number(n) < 2**32 for n in t.split(" ")), "aggregate")
    point = base64.b64decode(said["checkpoint"][0], validate=True)
    check(base64.b64encode(point).decode() == said["checkpoint"][0], "checkpoint")
    check("\n\n\u2014 " in point.decode("utf-8"), "checkpoint is no note")
    signer = said["signer"][0]
    if parties:
        check(signer in parties, "no key of " + signer)
        name = "ketenpoort.nl/node/" + signer
        check(any(signed_by(b, name, key) for key in parties[signer]), "receipt not signed by " + signer)
    return said, id.bytes

def signed_by(b, name, key):
    try:
        note(b, name, key)
        return True
    except ValueError:
        return False

def check_receipt(b, one, announced, ours, counters, parties):
    """A receipt against the entry that names it, as section 6 of the format page."""
    said, id = receipt(b, parties)
    received = one[6] == b"\x04"
    partner = one[8] if one[5] == b"\x02" else one[9]
    check(sha(b) == one[36] and id == one[1], "receipt of another entry")
    check(said["signer"][0].encode() == partner and said["counterparty"][0] == ours, "parties of a receipt")
    check(said["entry"] == ([one[35]] if one[35] else []), "entry of the other side")
    check(all(h in announced for h in said["peer-entry"]), "our entry in a receipt")
    if received:
        check(said["kind"] == ["answer"], "kind of a receipt")
        check(said["query"] == ([one[34]] if one[34] else []), "query of a receipt")
        check(said["commitment"] == ([one[33]] if one[33] else []), "payload of a receipt")
        check(said["field"] == texts(one[26]), "fields of a receipt")
        numbers = " ".join(str(int.from_bytes(one[31][n : n + 4], "big")) for n in (0, 4, 8))
        check(said["aggregate"] == ([numbers] if one[31] else []), "numbers of a receipt")
    for counter in said["counter"]:
        known = counters.setdefault((partner, counter), said["entry"])
        check(known == said["entry"], "counter used twice")

def receipt_files(files):
    """The receipts in order and the files that hold them; None in an export that says it was made without."""
    used = {p for p in files if p.startswith("receipts/")}
    if used == {"receipts/without"}:
        check(files["receipts/without"] == b"", "receipts/without")
        return None, used
    found, n, last = [], 0, False
    for width in iter(lambda: 256 if "receipts/" + number(n) in used else -1, -1):
        n += 1
        found += bundle(files["receipts/" + number(n - 1)], width)
    for width in range(256):
        path = "receipts/%s.p/%d" % (number(n), width)
        if path in used:
            check(not last, "two last bundles")
            last = True
            found += bundle(files[path], width)
    check(last or not used, "no last bundle")
    check(len(used) == n + last, "unknown file of receipts")
    return found, used

def bundle(rest, width):
    found = []
    while rest:
        size = int.from_bytes(rest[:2], "big")
        check(len(rest) >= 2 + size, "bundle broken off")
        found, rest = found + [rest[2 : 2 + size]], rest[2 + size :]
    check(len(found) == width, "count of a bundle")
    return found

def cosigners(b, witnesses):
    """Which witnesses cosigned; their names and keys come from a trusted convenant."""
    content, lines = b.decode("utf-8").rsplit("\n\n", 1)
    found = set()
    for line in lines[:-1].split("\n"):
        _, who, blob = line.split(" ")
        raw = base64.b64decode(blob)
        key = witnesses.get(who.removeprefix("ketenpoort.nl/witness/"))
        if not key or raw[:4] != sha(who.encode() + b"\n\x04" + key)[:4] or len(raw) != 76 or raw[4] > 0x7F:
            continue
        time = int.from_bytes(raw[4:12], "big")
        try:
            ed25519(key, b"cosignature/v1\ntime %d\n" % time + content.encode() + b"\n", raw[12:])
            found.add(who)
        except ValueError:
            pass
    return found

def number(n):
    parts = ["%03d" % (n % 1000)]
    while n >= 1000:
        n //= 1000
        parts.insert(0, "x%03d" % (n % 1000))
    return "/".join(parts)

def verify(folder, trusted, needed, witnesses, parties):
    files = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as f:
                files[os.path.relpath(path, folder).replace(os.sep, "/")] = f.read()
    raw = files["manifest.json"]
    m = json.loads(raw)
    check((json.dumps(m, indent=2, ensure_ascii=False) + "\n").encode() == raw, "form of the manifest")
    members = "format origin oin key key_fingerprint size from_ms to_ms exported_ms files".split()
    check(list(m) == members and m["format"] == "ketenpoort-export/v1", "members of the manifest")
    key = bytes.fromhex(m["key"])
    check(key.hex() == m["key"] and trusted in (None, key), "another key")
    check(m["key_fingerprint"] == "sha256:" + sha(key).hex(), "fingerprint")
    check(m["origin"] == "ketenpoort.nl/log/" + m["oin"], "origin")
    oin(m["oin"].encode())
    signed, count = note(files["manifest.sig"], m["origin"], key)
    want = ["ketenpoort.nl/export/v1", m["origin"], base64.b64encode(sha(raw)).decode()]
    check(signed == want and count == 1, "manifest.sig")
    listed = [{"path": p, "length": len(b), "sha256": sha(b).hex()} for p, b in files.items()]
    listed = [f for f in listed if f["path"] not in ("manifest.json", "manifest.sig")]
    check(m["files"] == sorted(listed, key=lambda f: f["path"].encode()), "files differ from the manifest")
    lines, _ = note(files["checkpoint"], m["origin"], key)
    check(lines[:2] == [m["origin"], str(m["size"])] and len(lines) == 3 and m["size"] >= 0, "checkpoint")
    # every tile and bundle, from the entries up
    used = {"checkpoint", "manifest.json", "manifest.sig"} | {"cosigned"} & set(files) | {p for p in files if p.startswith("attachments/")}
    receipts, of_receipts = receipt_files(files)
    used |= of_receipts
    leaves, intents, times_ms, level, c = [], {}, [], 0, m["size"]
    named, counters, latest, steps = 0, {}, 0, []
    for n in range(-(-c // 256)):
        width = min(256, c - 256 * n)
        path = "tile/entries/" + number(n) + (".p/%d" % width if width < 256 else "")
        used.add(path)
        for raw_entry in bundle(files[path], width):
            one, leaf = entry(raw_entry), sha(b"\x00" + raw_entry)
            phase, transfer = one[6][0], (one[1], one[8] if one[5] == b"\x02" else one[9])
            check(phase != 2 or transfer in intents, "entry %d: OUTCOME without INTENT" % len(leaves))
            if phase == 1:
                intents.setdefault(transfer, []).append(leaf)
            if one[36] and (phase != 4 or one[35]):
                named += 1
                check(receipts is None or named <= len(receipts), "entry %d: its receipt is not here" % len(leaves))
                if receipts is not None:
                    check_receipt(receipts[named - 1], one, intents.get(transfer, []), m["oin"], counters, parties)
            times_ms.append(int.from_bytes(one[37], "big"))
            written = int.from_bytes(one[38] or one[37], "big")
            if latest - written > 60000:
                steps, latest = steps + [latest - written], written
            latest = max(latest, written)
            leaves.append(leaf)
    check((named > 0) if receipts is None else len(receipts) == named, "receipts that no entry names")
    check(receipts is not None or not parties, "made without the receipts of the parties")
    hashes = leaves
    while hashes:
        for n in range(-(-len(hashes) // 256)):
            part = hashes[256 * n : 256 * n + 256]
            path = "tile/%d/%s" % (level, number(n)) + (".p/%d" % len(part) if len(part) < 256 else "")
            check(files[path] == b"".join(part), path)
            used.add(path)
        full = len(hashes) // 256
        hashes, level = [root(hashes[256 * n : 256 * n + 256]) for n in range(full)], level + 1
    check(used == set(files), "unknown file")
    check(lines[2] == base64.b64encode(root(leaves)).decode(), "root")
    if "cosigned" in files:
        seen, _ = note(files["cosigned"], m["origin"], key)
        check(len(seen) == 3 and seen[0] == m["origin"] and str(int(seen[1])) == seen[1], "cosigned")
        check(0 <= int(seen[1]) <= m["size"], "cosigned is of a longer log")
        check(seen[2] == base64.b64encode(root(leaves[: int(seen[1])])).decode(), "root of cosigned")
        check(len(cosigners(files["cosigned"], witnesses)) >= needed, "too few cosignatures")
    check([m["from_ms"], m["to_ms"]] == ([min(times_ms), max(times_ms)] if times_ms else [None, None]), "times")
    about = "made without its receipts" if receipts is None else "%d receipts" % named
    clock = ", clock back %d times, at most %d ms" % (len(steps), max(steps)) if steps else ""
    return "%d entries, %s, root %s, key %s%s" % (len(leaves), about, root(leaves).hex(), m["key_fingerprint"], clock)

def main(arguments):
    trusted, needed, witnesses, parties, bad = None, 0, {}, {}, 0
    while arguments[:1] and arguments[0].startswith("--"):
        if arguments[0] == "--key":
            trusted = bytes.fromhex(arguments[1])
        elif arguments[0] == "--needed":
            needed = int(arguments[1])
        else:
            who, _, key = arguments[1].partition("=")
            if arguments[0] == "--party":
                parties.setdefault(who, []).append(bytes.fromhex(key))
            else:
                witnesses[who] = bytes.fromhex(key)
        arguments = arguments[2:]
    for folder in arguments:
        try:
            print("OK", folder, verify(folder, trusted, needed, witnesses, parties))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError, RecursionError) as fault:
            bad += 1
            print("FAIL", folder, " ".join(repr(fault).split()))
    return 1 if bad or not arguments else 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
