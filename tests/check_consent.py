"""Reads a FHIR R4 bundle of consents with the library fhir.resources 6.4.0 (FHIR 4.0.1), and a spoilt copy of it, which must be refused."""
import json
import sys

from fhir.resources.bundle import Bundle
from fhir.resources.consent import Consent

with open(sys.argv[1], encoding="utf-8") as file:
    text = json.load(file)
Bundle.parse_obj(text)
for entry in text["entry"]:
    consent = Consent.parse_obj(entry["resource"])
    assert consent.policyRule is not None, "ppc-1: a policy or a policy rule"
    for member, value in (("status", None), ("scope", None), ("permit", True)):
        spoilt = dict(entry["resource"], **{member: value})
        try:
            Consent.parse_obj(spoilt)
        except ValueError:
            continue
        sys.exit(f"a resource with {member}={value} was accepted")
print(len(text["entry"]), "consents are FHIR R4")
