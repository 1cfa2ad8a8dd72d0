# SPDX-License-Identifier: Apache-2.0
"""P/Invoke: enums, structs of pointers and numbers alone, a delegate type for each function."""
from . import common

TYPES = {"int32_t": "int", "uint32_t": "uint", "int64_t": "long", "uint64_t": "ulong", "char": "byte", "pointer": "IntPtr"}
KEYWORDS = {"event", "params", "fixed"}


def word(name):
    return "@" + name if name in KEYWORDS else name


def doc(text, indent):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    lines = common.comment(escaped, indent + "/// ")
    return [indent + "/// <summary>", *lines, indent + "/// </summary>"] if lines else []


def type_of(abi, c_type):
    scalar = common.scalar_of(abi, c_type)
    return f"Raw{common.camel(c_type)}" if scalar == "struct" else TYPES[scalar]


def files(abi, version):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// {common.NOTE}", "using System;",
             "using System.Runtime.InteropServices;", "", "namespace Agones.Processor", "{"]
    for of_type, values in common.enums(abi).items():
        public = of_type in ("proc_status", "proc_outcome", "proc_delivery", "proc_connection_state", "proc_severity")
        name = common.camel(of_type) + ("Code" if of_type == "proc_status" else "")
        lines += [f"    {'public' if public else 'internal'} enum {name}", "    {"]
        for value_name, constant in values:
            lines += [*doc(constant["doc"], "        "), f"        {common.camel(value_name.lower())} = {constant['value']},"]
        lines += ["    }", ""]
    for struct in abi["structs"]:
        if struct["name"] == "proc_metrics" or struct["name"] == "proc_histogram":
            continue
        lines += ["    [StructLayout(LayoutKind.Sequential)]", f"    internal unsafe struct Raw{common.camel(struct['name'])}", "    {"]
        for field in struct["fields"]:
            name = word(common.lower_camel(field["name"]))
            text = type_of(abi, field["type"])
            if field["count"] == 1:
                lines.append(f"        internal {text} {name};")
            elif common.scalar_of(abi, field["type"]) == "struct":
                lines += [f"        internal {text} {name}{i};" for i in range(field["count"])]
            else:
                lines.append(f"        internal fixed {text} {name}[{field['count']}];")
        lines += ["    }", ""]
    lines += ["    /// <summary>The library's functions.</summary>", "    internal sealed class RawFunctions", "    {",
              f'        internal const string PackageVersion = "{version}";',
              f"        internal const uint HostAbiVersion = {common.constant(abi, 'PROC_ABI_VERSION')};", ""]
    for function in abi["functions"]:
        name = common.camel(function["name"])
        parameters = ", ".join(f"{type_of(abi, p['type'])} {word(common.lower_camel(p['name']))}" for p in function["parameters"])
        returns = "void" if function["returns"] == "void" else type_of(abi, function["returns"])
        lines += ["        [UnmanagedFunctionPointer(CallingConvention.Cdecl)]", f"        internal delegate {returns} {name}Function({parameters});"]
    lines.append("")
    for function in abi["functions"]:
        name = common.camel(function["name"])
        lines += [*doc(function["doc"], "        "), f"        internal readonly {name}Function {name};"]
    lines += ["", "        /// <param name=\"find\">The address of a name; zero: the library lacks it.</param>",
              "        internal RawFunctions(Func<string, IntPtr> find)", "        {"]
    for function in abi["functions"]:
        name = common.camel(function["name"])
        if function["library"] == "host":
            lines += [f'            IntPtr {common.lower_camel(function["name"])} = find("{function["name"]}");',
                      f"            if ({common.lower_camel(function['name'])} != IntPtr.Zero) {name} = Marshal.GetDelegateForFunctionPointer<{name}Function>({common.lower_camel(function['name'])});"]
        else:
            lines.append(f'            {name} = Marshal.GetDelegateForFunctionPointer<{name}Function>(Needed(find, "{function["name"]}"));')
    lines += ["        }", "", "        private static IntPtr Needed(Func<string, IntPtr> find, string name)", "        {",
              "            IntPtr address = find(name);",
              '            return address != IntPtr.Zero ? address : throw new EntryPointNotFoundException("the library lacks " + name);',
              "        }", "    }", "}", ""]
    return {"csharp/src/Raw.cs": "\n".join(lines)}
