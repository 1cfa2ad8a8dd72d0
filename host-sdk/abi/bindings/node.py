# SPDX-License-Identifier: Apache-2.0
"""koffi: constants, structs, and the functions' C declarations."""
import json

from . import common

TYPES = {"int32_t": "int32_t", "uint32_t": "uint32_t", "int64_t": "int64_t", "uint64_t": "uint64_t", "char": "char",
         "pointer": "void *"}


def field_type(abi, field):
    scalar = common.scalar_of(abi, field["type"])
    text = field["type"] if scalar == "struct" else TYPES[scalar]
    return text if field["count"] == 1 else f"{text}[{field['count']}]"


def parameter(abi, one):
    if one["type"] == "proc_json_fn*":
        return "proc_json_fn *" + one["name"]
    if one["type"] == "const char*":
        return "const char *" + one["name"]
    scalar = common.scalar_of(abi, one["type"])
    return f"{TYPES[scalar]} {one['name']}"


def files(abi, version):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// {common.NOTE}", "'use strict';", "",
             f"exports.VERSION = '{version}';", f"exports.ABI_VERSION = {common.constant(abi, 'PROC_ABI_VERSION')};", ""]
    types = ["// SPDX-License-Identifier: Apache-2.0", f"// {common.NOTE}", "", "export const VERSION: string;",
             "export const ABI_VERSION: number;"]
    for of_type, values in common.enums(abi).items():
        lines.append(f"exports.{common.camel(of_type)} = Object.freeze({{")
        types.append(f"export const {common.camel(of_type)}: {{")
        for name, constant in values:
            lines += [*common.comment(constant["doc"], "  // "), f"  {name}: {constant['value']},"]
            types += [*[f"  /** {constant['doc']} */" for _ in [0] if constant["doc"]], f"  readonly {name}: {constant['value']};"]
        lines += ["});", ""]
        types += ["};", ""]
    lines.append("// Structs, in the order in which they need each other.")
    lines.append("exports.STRUCTS = {")
    for struct in abi["structs"]:
        fields = ", ".join(f"{field['name']}: {json.dumps(field_type(abi, field))}" for field in struct["fields"])
        lines.append(f"  {struct['name']}: {{ {fields} }},")
    lines += ["};", "", "exports.JSON_CALLBACK = 'void proc_json_fn(void *context, void *json, uint64_t size)';", "",
              "// Name -> declaration.", "exports.FUNCTIONS = {"]
    for function in abi["functions"]:
        lines += common.comment(function["doc"], "  // ")
        returns = {"const char*": "const char *", "void": "void"}.get(function["returns"])
        returns = returns or TYPES[common.scalar_of(abi, function["returns"])]
        parameters = ", ".join(parameter(abi, p) for p in function["parameters"])
        lines.append(f"  {function['name']}: '{returns} {function['name']}({parameters or 'void'})',")
    lines += ["};", "", "// Those that the host library alone has.",
              f"exports.HOST_FUNCTIONS = {json.dumps([f['name'] for f in abi['functions'] if f['library'] == 'host'])};", ""]
    types += ["export const STRUCTS: Record<string, Record<string, string>>;", "export const JSON_CALLBACK: string;",
              "export const FUNCTIONS: Record<string, string>;", "export const HOST_FUNCTIONS: string[];", ""]
    return {"node/lib/raw.js": "\n".join(lines), "node/lib/raw.d.ts": "\n".join(types)}
