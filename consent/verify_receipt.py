#!/usr/bin/env python3
"""Checks a consent receipt without a network and without anything but Python (3.10 or later).

    python3 verify_receipt.py consent-receipt-….json consent-receipt-keys.json

The second file is the site's public key, from https://<site>/.well-known/consent-receipt-keys.json; keep it beside the
receipt. The answer is one line, and the exit code: 0 genuine, 1 not genuine, 2 not readable.

Source: RFC 8032, section 5.1.7 (verification of Ed25519) and its reference code's arithmetic.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

Point = tuple[int, int, int, int]
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y: int, sign: int) -> int | None:
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P:
        return None
    return P - x if (x & 1) != sign else x


def decompress(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign = y >> 255
    y &= (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(one: Point, two: Point) -> Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def equal(one: Point, two: Point) -> bool:
    return not ((one[0] * two[2] - two[0] * one[2]) % P or (one[1] * two[2] - two[1] * one[2]) % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    return equal(times(s, BASE), add(r, times(h, a)))


def main(paths: list[str]) -> int:
    if len(paths) != 2:
        print(__doc__)
        return 2
    try:
        receipt, keys = (json.loads(Path(path).read_text(encoding="utf-8")) for path in paths)
        known = {each["id"]: base64.b64decode(each["public"]) for each in keys["keys"]}
        signature = base64.b64decode(receipt.pop("signature"))
        public = known.get(receipt["key"]["id"])
        record = receipt["record"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"Not readable: {error}")
        return 2
    message = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if public is None or not verify(public, message, signature):
        print("NOT GENUINE: this is not what the site signed.")
        return 1
    answers = ", ".join(
        f"{each['dct:identifier']}: {each['dpv:hasConsentStatus']['@id'].split('Consent')[-1].lower()}"
        for each in record["dpv:hasProcess"]
    )
    when = record["dct:hasPart"][-1]["dct:date"]
    print(f"Genuine. Record {record['dct:identifier']} of {when}. {answers}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
