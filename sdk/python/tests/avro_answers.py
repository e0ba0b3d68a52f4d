"""`python3 -m tests.avro_answers [--fastavro]`: the Python side of the fuzz run. Reads a question as a line of JSON
(test/fuzz/codec-pair.ts), answers it with the codec of the SDK and with fastavro, and writes the differences as a line.
"""

import json
import sys

from kfbasicpy.avro import AvroError, Codec, SchemaError
from tests.exact_values import form_of, same, value_of


def differences(question, other_codec):
    """The differences between the answers in the question, which are those of TypeScript, and those found here."""
    try:
        codec = Codec(question["schema"])
    except SchemaError as error:
        return [f"schema: TypeScript compiles it, Python refuses it: {error}"] if question["isValid"] else []
    if not question["isValid"]:
        return ["schema: TypeScript refuses it, Python compiles it"]
    found = []
    logical_codec = Codec(question["schema"], logical_types=True)
    for case in question["cases"]:
        found += of_case(case, codec)
        found += of_logical(case, logical_codec)
    if other_codec is not None:
        found += of_other(question, other_codec, codec)
    return found


def of_case(case, codec):
    found = []
    if "encoded" in case:
        found += compared("value", case["value"], "TypeScript", case["encoded"], "Python", encoded(codec, value_of(case["value"])))
        if case["fits"] and "error" in case["encoded"]:
            found.append(f"value: refused although it fits\n  value {shown(case['value'])}\n  error {case['encoded']['error']}")
    if "bytes" in case:
        answer = decoded(codec.decode, bytes.fromhex(case["bytes"]))
        found += compared("bytes", case["bytes"], "TypeScript", case["decoded"], "Python", answer)
    return found


def of_logical(case, codec):
    """What is read with logical types is written back, and reads as the same."""
    found = []
    if "changed" in case:
        found.append(f"logical types: TypeScript writes back another value\n  bytes {case['bytes']}\n  {case['changed']}")
    try:
        value = codec.decode(bytes.fromhex(case.get("bytes", "")))
    except AvroError:
        return found
    answer = encoded(codec, value)
    if "bytes" in answer and same(codec.decode(bytes.fromhex(answer["bytes"])), value):
        return found
    return [*found, f"logical types: Python writes back another value\n  bytes {case['bytes']}\n  value {value!r}\n  {shown(answer)}"]


def of_natural(payload, fast, codec):
    """What fastavro decodes to Python's own classes is encoded, and decodes to the same."""
    natural = fast.natural(payload)
    if natural is None:
        return []
    answer = encoded(codec, natural)
    if "bytes" in answer and same(fast.natural(bytes.fromhex(answer["bytes"])), natural):
        return []
    return [f"classes: the value is not the same\n  bytes {payload.hex()}\n  classes {natural!r}\n  Python {shown(answer)}"]


def of_other(question, make, own_codec):
    try:
        codec = make(question["schema"])
        reader = make(question["reader"]) if "reader" in question else None
    except Exception as error:
        return [f"schema: fastavro refuses it: {type(error).__name__}: {error}"]
    found = []
    if codec.fingerprint != question["fingerprint"]:
        found.append(f"fingerprint: TypeScript {question['fingerprint']}, fastavro {codec.fingerprint}")
    for case in question["cases"]:
        if not case["fits"] or "bytes" not in case:
            continue
        payload = bytes.fromhex(case["bytes"])
        found += compared("value", case["value"], "TypeScript", case["encoded"], "fastavro", encoded(codec, value_of(case["value"])))
        found += compared("bytes", case["bytes"], "TypeScript", case["decoded"], "fastavro", decoded(codec.decode, payload))
        found += of_natural(payload, codec, own_codec)
        if reader is not None and reader.resolves_alike():
            answer = decoded(lambda payload: codec.decode(payload, reader), payload)
            given = f"{case['bytes']}\n  reader {question['reader']}"
            found += compared("resolved bytes", given, "TypeScript", case["resolved"], "fastavro", answer)
    return found


def encoded(codec, value):
    try:
        return {"bytes": codec.encode(value).hex()}
    except AvroError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "unexpected": True}


def decoded(decode, payload):
    try:
        return {"value": form_of(decode(payload))}
    except AvroError as error:
        return {"error": str(error)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "unexpected": True}


def compared(what, given, one_name, one, other_name, other):
    agree = "error" in one and "error" in other and not other.get("unexpected")
    if "bytes" in one and "bytes" in other:
        agree = one["bytes"] == other["bytes"]
    elif "value" in one and "value" in other:
        agree = same(value_of(one["value"]), value_of(other["value"]))
    if agree:
        return []
    return [f"{what}: {one_name} and {other_name} differ\n  {what} {shown(given)}\n  {one_name} {shown(one)}\n  {other_name} {shown(other)}"]


def shown(answer):
    return answer if isinstance(answer, str) else json.dumps(answer)[:2000]


def main():
    other_codec = None
    if "--fastavro" in sys.argv:
        from tests.fastavro_codec import FastavroCodec as other_codec
    for line in sys.stdin:
        sys.stdout.write(json.dumps(differences(json.loads(line), other_codec)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
