#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plugin's JSON reader against Python's protobuf package, on random requests.

  json_request_test.py READ_JSON_REQUESTS PROTO_FOLDER [COUNT [SEED]]

Requests are made from the contract's own descriptors, then some of them are damaged. What both accept must be the same
message, and both must refuse the same, but for what the two are known to read differently (see `known`).
"""
import importlib
import json
import random
import re
import subprocess
import sys
import tempfile

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

READER, PROTO = sys.argv[1:3]
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 50_000
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 11


def load_contract():
    folder = tempfile.mkdtemp()
    subprocess.run(["protoc", f"--python_out={folder}", "-I", PROTO, "allocation/allocation.proto"], check=True)
    sys.path.insert(0, folder)
    return importlib.import_module("allocation.allocation_pb2").AllocationRequest


Request = load_contract()
draw = random.Random(SEED)
TEXTS = ["", "default", "agones.dev/fleet", "ä€😀", 'quo"te', "back\\slash", "tab\t", "x" * 200, "\u0000", "a/b"]
NUMBERS = [0, 1, -1, 7, 2**31 - 1, -2**31, 2**31, 2**53 + 1, 2**63 - 1, -2**63]


def value_of(field):
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.full_name.startswith("google.protobuf."):
            return value_of(field.message_type.fields[0])
        return message_of(field.message_type)
    if field.type == FieldDescriptor.TYPE_STRING:
        return draw.choice(TEXTS)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return draw.random() < 0.5
    if field.type == FieldDescriptor.TYPE_ENUM:
        return draw.choice([value.name for value in field.enum_type.values] + [0, 1, 77])
    number = draw.choice(NUMBERS)
    return str(number) if draw.random() < 0.5 else number


def message_of(descriptor):
    made = {}
    for field in descriptor.fields:
        if draw.random() < 0.6:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            made[field.json_name] = {draw.choice(TEXTS): value_of(value) for _ in range(draw.randrange(4))}
        elif field.label == FieldDescriptor.LABEL_REPEATED:
            made[field.json_name] = [value_of(field) for _ in range(draw.randrange(3))]
        elif draw.random() < 0.05:
            made[field.json_name] = None
        else:
            made[field.json_name] = value_of(field)
    return made


def random_request():
    made = message_of(Request.DESCRIPTOR)
    made["namespace"] = "default"
    return json.dumps(made, ensure_ascii=draw.random() < 0.5,
                      separators=draw.choice([(",", ":"), (", ", ": "), (" ,\t", " : ")]))


TOKENS = ["null", "true", "0", "-0", "1e2", "5.0", '"05"', '"1e1"', "{}", "[]", '""', '"x"', "1.5", "05", ",", "}", "]",
          "\x01", "\x19", "\x1b", "\x1f", "\x7f", '"\\ud800"', '"\\u00e4"', "nul", '"', "\\", ":", "[", "{"]


def damaged(text):
    place = draw.randrange(len(text))
    kind = draw.randrange(4)
    if kind == 0:
        return text[:place] + text[place + 1:]
    if kind == 1:
        return text[:place] + draw.choice(TOKENS) + text[place:]
    if kind == 2:
        end = re.compile(r"[,}\]]").search(text, place)
        start = text.rfind(":", 0, place)
        if end and start >= 0:
            return text[:start + 1] + draw.choice(TOKENS) + text[end.start():]
    return text[:place] + draw.choice(TOKENS) + text[place + draw.randrange(4):]


def parsed(text):
    """The message, or why Python refuses it."""
    try:
        return json_format.Parse(text, Request()), ""
    except (json_format.ParseError, ValueError, RecursionError, TypeError, AttributeError) as error:
        return None, str(error)


def known(text, problem):
    """Whether this is one of the things that the two read differently. The plugin's reader keeps to Go's, which the
    processor has; problem: why it refused what Python accepts, or None."""
    if problem is None:
        # A number with an exponent or a fraction of zeros, as text; one with so many digits that it is rounded out of range.
        return re.search(r'"-?\d+(\.0+)?([eE][+-]?\d+)?"|\d{16,}\.0', text) is not None
    return (problem == "namespace: missing"  # the processor's rule, not JSON's
            # What int() takes: text with leading zeros, true; a fraction of a number, which is a double there.
            or re.search(r"not a whole number in range: -?(0\d|\d+\.\d)", problem) is not None
            or re.search(r"expected one of .*, got (true|05)$", problem) is not None
            # An array or a text for a message, if it is empty.
            or re.search(r'expected an object, got (array|string)$', problem) is not None
            # An escape that is half a character.
            or "not valid UTF-8" in problem or "surrogate" in problem)


def main():
    texts = []
    for _ in range(COUNT):
        text = random_request()
        texts.append(damaged(text) if draw.random() < 0.6 else text)
    texts = [text for text in texts if "\n" not in text]
    answers = subprocess.run([READER], input="\n".join(texts).encode("utf-8", "surrogatepass") + b"\n", check=True,
                             stdout=subprocess.PIPE).stdout.decode("utf-8", "replace").splitlines()
    assert len(answers) == len(texts), (len(answers), len(texts))
    same = refused = different = 0
    failures = []
    for text, answer in zip(texts, answers):
        verdict, _, rest = answer.partition(" ")
        expected, refusal = parsed(text)
        if verdict == "ok" and expected is not None:
            if Request.FromString(bytes.fromhex(rest)) == expected:
                same += 1
            elif re.search(r"\d{16,}(\.|[eE])", text):
                different += 1  # a double to Python, which has no more than 53 bits
            else:
                failures.append(f"read differently: {text}")
        elif verdict == "no" and expected is None:
            refused += 1
        elif known(text, None if verdict == "ok" else rest):
            different += 1
        else:
            failures.append(f"{answer if verdict == 'no' else 'accepted'} | Python: {refusal or 'accepted'} | {text}")
    print(f"{same} read alike, {refused} refused by both, {different} known to differ, {len(failures)} failed")
    for failure in failures[:20]:
        print(failure[:600])
    # Also a test of the test: it must have seen enough of each.
    sys.exit(1 if failures or same < COUNT / 4 or refused < COUNT / 10 or different > COUNT / 20 else 0)


main()
