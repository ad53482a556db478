"""Checks the lines that are made against JSON schemas written from the standards. Usage: check.py FORM FILE.. ; 0 when all fit."""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

OIN = {"type": "string", "pattern": "^[0-9]{20}$"}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
UUID7 = {"type": "string", "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"}
URI = {"type": "string", "pattern": "^(https://|urn:)[^ ]+$"}
MS = {"type": "integer", "minimum": 0}


def closed(required, optional=None):
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


attributes = {
    "type": "object",
    "required": ["dpl.core.processing_activity_id"],
    "properties": {
        "dpl.core.processing_activity_id": URI,
        "dpl.core.data_subject_id": {"type": "string"},
        "dpl.core.data_subject_id_type": {"type": "string"},
        "dpl.core.foreign_operation.processor": {"type": "string", "pattern": "^https://"},
        "exception.type": {"type": "string"},
        "exception.message": {"type": "string"},
    },
    "patternProperties": {"^ketenpoort\\.": {}},
    "dependentRequired": {"dpl.core.data_subject_id": ["dpl.core.data_subject_id_type"]},
    "additionalProperties": False,
}
line = closed(
    {
        "traceId": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "spanId": {"type": "string", "pattern": "^[0-9a-fA-F]{16}$"},
        "status": {"enum": ["Unset", "Ok", "Error"]},
        "name": {"type": "string", "minLength": 1},
        "startTime": MS,
        "endTime": MS,
        "resource": closed({"attributes": {"type": "object"}}),
        "attributes": attributes,
    },
    {"parentSpanId": {"type": "string", "pattern": "^[0-9a-fA-F]{16}$"}},
)


def party(kind, peer):
    plain = closed({"type": {"const": kind[0]}, peer: OIN})
    return {"oneOf": [plain, closed({"type": {"const": kind[1]}, peer: OIN, "delegator_peer_id": OIN})]}


fsc = closed(
    {
        "transaction_id": UUID7,
        "direction": {"enum": ["DIRECTION_INCOMING", "DIRECTION_OUTGOING"]},
        "grant_hash": {"type": "string", "maxLength": 1024, "pattern": "^\\$1\\$[45]\\$"},
        "source": party(("SOURCE_TYPE_SOURCE", "SOURCE_TYPE_DELEGATED_SOURCE"), "outway_peer_id"),
        "destination": party(("DESTINATION_TYPE_DESTINATION", "DESTINATION_TYPE_DELEGATED_DESTINATION"), "service_peer_id"),
        "service_name": {"type": "string", "minLength": 3, "maxLength": 255},
        "created_at": {"type": "integer"},
    },
    {
        "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "span_id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "additional_data": {"type": "object"},
    },
)
person = closed({
    "verwerktObjectId": UUID,
    "objecttype": {"const": "persoon"},
    "soortObjectId": {"type": "string"},
    "objectId": {"type": "string", "maxLength": 40},
    "betrokkenheid": {"type": "string"},
    "verwerkteSoortenGegevens": {"type": "array", "items": closed({"soortGegeven": {"type": "string"}})},
})
short = {"type": "string", "maxLength": 242}
date_time = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$"}
gemma = closed(
    {
        "url": URI,
        "actieId": UUID,
        "vertrouwelijkheid": {"enum": ["normaal", "vertrouwelijk", "opgeheven"]},
        "tijdstip": date_time,
        "tijdstipRegistratie": date_time,
        "verwerkteObjecten": {"type": "array", "items": person},
    },
    {
        "actieNaam": short, "handelingNaam": short, "verwerkingNaam": short, "verwerkingId": UUID,
        "verwerkingsactiviteitId": UUID, "verwerkingsactiviteitUrl": URI,
        "bewaartermijn": {"type": "string", "pattern": "^P[0-9]+D$"}, "uitvoerder": OIN, "systeem": short,
        "gebruiker": {"type": "string", "maxLength": 40}, "gegevensbron": OIN, "soortAfnemerId": {"const": "OIN"},
        "afnemerId": OIN, "verwerkingsactiviteitUrlAfnemer": URI,
    },
)
user = closed(
    {"userID": {"type": "string"}, "userIsRequestor": {"type": "boolean"}, "purposeOfUse": {"type": "string"}},
    {
        "alternateUserID": {"type": "string"}, "userName": {"type": "string"}, "roleIDCode": {"type": "string"},
        "networkAccessPointTypeCode": {"enum": ["1", "2", "3"]}, "networkAccessPointID": {"type": "string"},
    },
)
participant = closed(
    {
        "participantObjectTypeCode": {"enum": ["1", "2"]},
        "participantObjectTypeCodeRole": {"type": "string"},
        "participantObjectIDTypeCode": {"type": "string"},
        "participantObjectID": {"type": "string"},
        "participantObjectDetail": {"type": "array", "items": {"type": "string"}},
    },
    {"participantObjectSensitivity": {"enum": ["normaal", "vertrouwelijk", "opgeheven"]}},
)
nen_attributes = {
    **attributes,
    "required": ["dpl.core.processing_activity_id", "dpl.nen7513.eventTypeCode", "dpl.nen7513.users", "dpl.nen7513.participants"],
    "properties": {
        **attributes["properties"],
        "dpl.nen7513.eventTypeCode": {"type": "string", "minLength": 1},
        "dpl.nen7513.users": {"type": "array", "items": user},
        "dpl.nen7513.participants": {"type": "array", "items": participant},
        "dpl.nen7513.autorisatieProtocol": {"type": "string"},
        "dpl.nen7513.toestemmingsProfiel": {"type": "string"},
    },
}
nen_resource = closed({"attributes": {
    "type": "object",
    "required": ["nen7513.AuditEnterpriseSiteID", "nen7513.AuditSourceId", "nen7513.AuditSourceTypeCode"],
}})
nen = {**line, "properties": {**line["properties"], "attributes": nen_attributes, "resource": nen_resource}}

schema = {"ldv": line, "fsc": fsc, "gemma": gemma, "nen7513": nen}[sys.argv[1]]
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
faults, lines = [], 0
for path in sys.argv[2:]:
    for number, text in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        lines += 1
        value = json.loads(text)
        faults += [f"{path}:{number}: {error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        if "endTime" in value and value["endTime"] < value["startTime"]:
            faults.append(f"{path}:{number}: ends before it begins")
print("\n".join(faults) or f"{lines} lines fit")
sys.exit(1 if faults or not lines else 0)
