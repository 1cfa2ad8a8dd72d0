# SPDX-License-Identifier: Apache-2.0
"""ffi.cdef: the header itself, and its constants."""
from . import common


def files(abi, version):
    lines = ["-- SPDX-License-Identifier: Apache-2.0", f"-- {common.NOTE}", 'local ffi = require("ffi")', "", "ffi.cdef[["]
    for alias in abi["types"]:
        lines.append(f"typedef {alias['type']} {alias['name']};")
    lines += [f"typedef struct {handle['name']} {handle['name']};" for handle in abi["handles"]]
    done = set()
    structs = list(abi["structs"])
    callbacks = {c["name"]: c for c in abi["callbacks"]}

    def declare_callbacks(struct):
        for field in struct["fields"]:
            name = field["type"].removesuffix("*")
            if name in callbacks and name not in done:
                done.add(name)
                one = callbacks[name]
                lines.append(f"typedef {one['returns']} {name}({', '.join(p['type'] for p in one['parameters'])});")

    for struct in structs:
        declare_callbacks(struct)
        lines.append(f"typedef struct {struct['name']} {{")
        lines += [f"  {field['type']} {field['name']}{'' if field['count'] == 1 else '[' + str(field['count']) + ']'};" for field in struct["fields"]]
        lines.append(f"}} {struct['name']};")
    for name, one in callbacks.items():
        if name not in done:
            lines.append(f"typedef {one['returns']} {name}({', '.join(p['type'] for p in one['parameters'])});")
    for function in abi["functions"]:
        parameters = ", ".join(f"{p['type']} {p['name']}" for p in function["parameters"]) or "void"
        lines.append(f"{function['returns']} {function['name']}({parameters});")
    lines += ["]]", "", "local raw = {", f'  VERSION = "{version}",', f"  ABI_VERSION = {common.constant(abi, 'PROC_ABI_VERSION')},"]
    for values in common.enums(abi).values():
        for _, constant in values:
            lines += [*common.comment(constant["doc"], "  -- "), f"  {constant['name'].removeprefix('PROC_')} = {constant['value']},"]
    lines += ["}", "", "return raw", ""]
    return {"lua/src/agones_processor/raw.lua": "\n".join(lines)}
