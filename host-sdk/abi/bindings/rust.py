# SPDX-License-Identifier: Apache-2.0
"""repr(C) structs, constants, and a table of function pointers."""
from . import common

TYPES = {"int32_t": "i32", "uint32_t": "u32", "int64_t": "i64", "uint64_t": "u64", "char": "c_char", "pointer": "*mut c_void"}


def word(name):
    return "r#" + name if name == "type" else name


def type_of(abi, c_type):
    scalar = common.scalar_of(abi, c_type)
    if scalar == "struct":
        return common.camel(c_type)
    if scalar == "pointer" and c_type == "proc_json_fn*":
        return "Option<JsonFn>"
    if scalar == "pointer" and c_type in ("const char*", "char*"):
        return "*const c_char" if c_type.startswith("const") else "*mut c_char"
    return TYPES[scalar]


def files(abi, version):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"//! {common.NOTE}", "#![allow(missing_docs)]", "#![cfg_attr(rustfmt, rustfmt_skip)]", "",
             "use std::ffi::{c_char, c_void};", "", f'pub const VERSION: &str = "{version}";',
             f"pub const ABI_VERSION: u32 = {common.constant(abi, 'PROC_ABI_VERSION')};", ""]
    for of_type, values in common.enums(abi).items():
        for _, constant in values:
            scalar = TYPES[common.scalar_of(abi, of_type)]
            lines += [*common.comment(constant["doc"].replace("[", "\\["), "/// "), f"pub const {constant['name'].removeprefix('PROC_')}: {scalar} = {constant['value']};"]
        lines.append("")
    for struct in abi["structs"]:
        lines += ["#[repr(C)]", "#[derive(Clone, Copy)]", f"pub struct {common.camel(struct['name'])} {{"]
        for field in struct["fields"]:
            text = type_of(abi, field["type"])
            whole = text if field["count"] == 1 else f"[{text}; {field['count']}]"
            lines.append(f"    pub {word(field['name'])}: {whole},")
        lines += ["}", ""]
    lines += ["pub type JsonFn = unsafe extern \"C\" fn(*mut c_void, *const c_char, u64);", "",
              "/// The library's functions; those that the host library alone has are optional.", "#[derive(Clone, Copy, Debug)]", "pub struct Functions {"]
    for function in abi["functions"]:
        name = function["name"].removeprefix("proc_")
        parameters = ", ".join(type_of(abi, p["type"]) for p in function["parameters"])
        returns = {"void": "", "const char*": " -> *const c_char"}.get(function["returns"], " -> " + TYPES.get(common.scalar_of(abi, function["returns"]), ""))
        text = f'unsafe extern "C" fn({parameters}){returns}'
        lines += [*common.comment(function["doc"].replace("[", "\\["), "    /// "), f"    pub {name}: {'Option<' + text + '>' if function['library'] == 'host' else text},"]
    lines += ["}", "", "impl Functions {", "    /// # Safety", "    /// The library must be one of the processor's, and outlive what is found in it.",
              "    pub unsafe fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {", "        unsafe {", "            Ok(Self {"]
    for function in abi["functions"]:
        name = function["name"].removeprefix("proc_")
        found = f'library.get(b"{function["name"]}\\0")'
        lines.append(f"                {name}: {found + '.ok().map(|f| *f)' if function['library'] == 'host' else '*' + found + '?'},")
    lines += ["            })", "        }", "    }", "}", ""]
    return {"rust/src/raw.rs": "\n".join(lines)}
