# SPDX-License-Identifier: Apache-2.0
"""ctypes: enums, structures, and the functions' types."""
from . import common

TYPES = {"int32_t": "c.c_int32", "uint32_t": "c.c_uint32", "int64_t": "c.c_int64", "uint64_t": "c.c_uint64",
         "char": "c.c_char", "pointer": "c.c_void_p"}

# What IntEnum prints depends on Python's version: numbers from 3.11 on.
NAMED = ["", "class Named(enum.IntEnum):", '    """Printed by its name, in every version of Python."""', "",
         "    def __str__(self) -> str:", "        return self.name", "",
         "    def __format__(self, spec: str) -> str:",
         "        return format(self.name, spec) if spec[-1:] in (\"\", \"s\") or spec[-1:].isdigit() else format(self.value, spec)", ""]


def type_of(abi, field):
    scalar = common.scalar_of(abi, field["type"])
    text = common.camel(field["type"]) if scalar == "struct" else TYPES[scalar]
    return text if field.get("count", 1) == 1 else f"{text} * {field['count']}"


def seen_as(abi, field):
    """The Python type of a field that is one number or text; none for others."""
    scalar = common.scalar_of(abi, field["type"])
    if scalar == "char":
        return "bytes"
    return "int" if scalar.endswith("_t") and field["count"] == 1 else None


def result_of(abi, function):
    if function["returns"] == "void":
        return "None"
    return "c.c_char_p" if function["returns"] == "const char*" else TYPES[common.scalar_of(abi, function["returns"])]


def files(abi, version):
    lines = ["# SPDX-License-Identifier: Apache-2.0", f'"""{common.NOTE}"""', "import ctypes as c", "import enum", "",
             f'VERSION = "{version}"', f"ABI_VERSION = {common.constant(abi, 'PROC_ABI_VERSION')}", "", *NAMED]
    for of_type, values in common.enums(abi).items():
        lines += ["", f"class {common.camel(of_type)}(Named):"]
        for name, constant in values:
            lines += [*common.comment(constant["doc"], "    #: "), f"    {name} = {constant['value']}"]
        lines.append("")
    for struct in abi["structs"]:
        lines += ["", f"class {common.camel(struct['name'])}(c.Structure):"]
        lines += [f"    {field['name']}: {seen_as(abi, field)}" for field in struct["fields"] if seen_as(abi, field)]
        lines += ["    _fields_ = ["]
        lines += [f'        ("{field["name"]}", {type_of(abi, field)}),' for field in struct["fields"]]
        lines += ["    ]", ""]
    lines += ["", "JSON_CALLBACK = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_uint64)", "",
              "#: Name -> result, parameters, whether the host library alone has it.",
              "FUNCTIONS: dict[str, tuple[type | None, list[type], bool]] = {"]
    for function in abi["functions"]:
        lines += common.comment(function["doc"], "    # ")
        parameters = ", ".join("JSON_CALLBACK" if p["type"] == "proc_json_fn*" else TYPES[common.scalar_of(abi, p["type"])]
                               for p in function["parameters"])
        lines.append(f'    "{function["name"]}": ({result_of(abi, function)}, [{parameters}], '
                     f"{function['library'] == 'host'}),")
    lines += ["}", ""]
    return {"python/src/agones_processor/_raw.py": "\n".join(lines)}
