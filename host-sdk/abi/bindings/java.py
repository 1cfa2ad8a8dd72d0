# SPDX-License-Identifier: Apache-2.0
"""JNA: constants, the structs' sizes and offsets, and the functions as an interface."""
from . import common

TYPES = {"int32_t": "int", "uint32_t": "int", "int64_t": "long", "uint64_t": "long", "pointer": "Pointer"}
PACKAGE = "agones.processor"


def doc(text, indent):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;").replace("*/", "")
    lines = common.comment(escaped, indent + " * ")
    return [indent + "/**", *lines, indent + " */"] if lines else []


def parameter(abi, one):
    if one["type"] == "const char*" and one["name"] not in ("error",):
        return f"String {common.lower_camel(one['name'])}"
    if one["name"] == "error":
        return "Pointer error"
    if one["type"] in ("char*",):
        return f"byte[] {common.lower_camel(one['name'])}"
    return f"{TYPES[common.scalar_of(abi, one['type'])]} {common.lower_camel(one['name'])}"


def files(abi, version):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// {common.NOTE}", f"package {PACKAGE};", "", "import com.sun.jna.Library;",
             "import com.sun.jna.Pointer;", "", "/** The C ABI as it is. */", "interface Raw extends Library {",
             f'    String VERSION = "{version}";', f"    int ABI_VERSION = {common.constant(abi, 'PROC_ABI_VERSION')};", ""]
    for of_type, values in common.enums(abi).items():
        for _, constant in values:
            lines += [*doc(constant["doc"], "    "), f"    int {constant['name'].removeprefix('PROC_')} = {constant['value']};"]
        lines.append("")
    for struct in abi["structs"]:
        name = struct["name"].removeprefix("proc_").upper()
        lines.append(f"    int SIZE_OF_{name} = {struct['size']};")
        if struct["name"] != "proc_metrics":
            lines += [f"    int OFFSET_OF_{name}_{field['name'].upper()} = {field['offset']};" for field in struct["fields"]]
        lines.append("")
    for function in abi["functions"]:
        if any(p["type"] in ("proc_json_fn*", "proc_take_fn*") for p in function["parameters"]):
            continue
        parameters = ", ".join(parameter(abi, p) for p in function["parameters"])
        returns = {"const char*": "String", "void": "void"}.get(function["returns"], TYPES.get(common.scalar_of(abi, function["returns"])))
        lines += [*doc(function["doc"], "    "), f"    {returns} {function['name']}({parameters});", ""]
    lines[-1] = "}"
    return {"java/src/main/java/agones/processor/Raw.java": "\n".join([*lines, ""])}
