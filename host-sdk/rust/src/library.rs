// SPDX-License-Identifier: Apache-2.0
//! Finding and loading the library: the host library, or a plugin by itself.

use std::ffi::{c_char, CStr};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use crate::raw;
use crate::types::{LibraryError, ProcessorError};

const HOST_LIBRARY: &str = "libagones_processor_host.so";
const ERROR_SIZE: usize = 1024;

/// Leaves the process when it is dropped, if nothing of it is left running; else it stays.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) functions: raw::Functions,
    pub(crate) file: PathBuf,
    loaded: ManuallyDrop<libloading::Library>,
}

impl Library {
    /// An explicit file; what AGONES_PROCESSOR_PLUGIN names; the one beside the program; the system's.
    pub(crate) fn load(explicit: Option<&Path>) -> Result<Self, LibraryError> {
        let file = explicit.map_or_else(Self::find, Path::to_path_buf);
        let wrong = |problem: String| LibraryError(format!("{}: {problem}", file.display()));
        // SAFETY: the library is one of the processor's: its initialisers do nothing but their own.
        let loaded = unsafe { libloading::Library::new(&file) }.map_err(|error| wrong(error.to_string()))?;
        let functions = unsafe { raw::Functions::find(&loaded) }.map_err(|error| wrong(error.to_string()))?;
        let version = unsafe { (functions.abi_version)() };
        if version >> 16 != raw::ABI_VERSION >> 16 {
            return Err(wrong(format!("has ABI {}.{}, this crate needs {}.x", version >> 16, version & 0xffff, raw::ABI_VERSION >> 16)));
        }
        Ok(Self { functions, file, loaded: ManuallyDrop::new(loaded) })
    }

    fn find() -> PathBuf {
        if let Some(named) = std::env::var_os("AGONES_PROCESSOR_PLUGIN").filter(|name| !name.is_empty()) {
            return named.into();
        }
        std::env::current_exe()
            .ok()
            .and_then(|program| Some(program.parent()?.join(HOST_LIBRARY)))
            .filter(|beside| beside.exists())
            .unwrap_or_else(|| HOST_LIBRARY.into())
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: whoever drops this has no client any more.
        let state = unsafe { (self.functions.get_unload_state)(std::ptr::null_mut(), 0) };
        if state == raw::UNLOAD_SAFE {
            unsafe { ManuallyDrop::drop(&mut self.loaded) };
        }
    }
}

/// Runs a function that takes the error's buffer and its size.
pub(crate) fn check(call: impl FnOnce(*mut c_char, u64) -> i32) -> Result<(), ProcessorError> {
    let mut error = [0u8; ERROR_SIZE];
    let status = call(error.as_mut_ptr().cast(), ERROR_SIZE as u64);
    if status == raw::OK {
        return Ok(());
    }
    Err(ProcessorError::new(status, text_in(&error)))
}

/// A text that ends with NUL.
pub(crate) fn text_in(bytes: &[u8]) -> String {
    CStr::from_bytes_until_nul(bytes).map_or_else(|_| String::new(), |text| text.to_string_lossy().into_owned())
}

/// # Safety
/// As `std::slice::from_raw_parts`; a size of 0 allows any pointer.
pub(crate) unsafe fn bytes_at<'a>(data: *const u8, size: u64) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        unsafe { std::slice::from_raw_parts(data, size as usize) }
    }
}

/// # Safety
/// The text must be one of the library's, and live.
pub(crate) unsafe fn text_of(text: raw::Text) -> String {
    String::from_utf8_lossy(unsafe { bytes_at(text.data.cast(), text.size) }).into_owned()
}
