// SPDX-License-Identifier: Apache-2.0
//! What callers see: requests, results, errors, states.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::library::Library;
use crate::raw;

macro_rules! constants {
    ($(#[$doc:meta])* $name:ident, $default:ident: $($variant:ident = $value:expr),+) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub(crate) fn of(value: i32) -> Self {
                match value { $(v if v == $value => Self::$variant,)+ _ => Self::$default }
            }
        }
    };
}

constants!(
    /// How a request ended.
    Outcome, Shutdown: Allocated = raw::OUTCOME_ALLOCATED, Rejected = raw::OUTCOME_REJECTED, Timeout = raw::OUTCOME_TIMEOUT,
    Cancelled = raw::OUTCOME_CANCELLED, Disconnected = raw::OUTCOME_DISCONNECTED, Shutdown = raw::OUTCOME_SHUTDOWN
);
constants!(
    /// What became of it on the wire. `Unknown`: a game server may have been allocated all the same.
    Delivery, Unknown: NotSent = raw::DELIVERY_NOT_SENT, Unknown = raw::DELIVERY_UNKNOWN, Done = raw::DELIVERY_DONE
);
constants!(
    /// Of the connection to the processor.
    ConnectionState, Connecting: Connecting = raw::CONNECTION_CONNECTING, Standby = raw::CONNECTION_STANDBY,
    Serving = raw::CONNECTION_SERVING, BackingOff = raw::CONNECTION_BACKING_OFF, Closed = raw::CONNECTION_CLOSED
);
constants!(
    /// Why a call was refused.
    Status, Internal: InvalidArgument = raw::ERR_INVALID_ARGUMENT, QueueFull = raw::ERR_QUEUE_FULL, TooLarge = raw::ERR_TOO_LARGE,
    ShutDown = raw::ERR_SHUT_DOWN, Busy = raw::ERR_BUSY, InCallback = raw::ERR_IN_CALLBACK, Forked = raw::ERR_FORKED,
    Timeout = raw::ERR_TIMEOUT, NotFound = raw::ERR_NOT_FOUND, Version = raw::ERR_VERSION, NoMemory = raw::ERR_NO_MEMORY,
    Internal = raw::ERR_INTERNAL, NoResources = raw::ERR_NO_RESOURCES
);

/// What to ask for.
#[derive(Debug, Clone)]
pub enum Request {
    /// The AllocationRequest as proto3 JSON.
    Json(String),
    /// A serialized AllocationRequest.
    Protobuf(Vec<u8>),
    /// A GameServerAllocation of Kubernetes as JSON.
    Manifest(String),
}

impl From<serde_json::Value> for Request {
    fn from(json: serde_json::Value) -> Self {
        Self::Json(json.to_string())
    }
}

impl From<&serde_json::Value> for Request {
    fn from(json: &serde_json::Value) -> Self {
        Self::Json(json.to_string())
    }
}

impl From<&str> for Request {
    fn from(json: &str) -> Self {
        Self::Json(json.to_owned())
    }
}

impl From<Vec<u8>> for Request {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Protobuf(bytes)
    }
}

/// What was allocated.
#[derive(Debug, Clone)]
pub struct GameServer {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// The node that it is on.
    pub node_name: String,
    /// The cluster that allocated it; "local" for its own.
    pub source: String,
    /// By name.
    pub ports: HashMap<String, u16>,
    /// The whole answer: a serialized AllocationResponse, with labels, annotations, counters, lists.
    pub response: Vec<u8>,
    // Keeps the library loaded, which writes the JSON.
    pub(crate) library: Arc<Library>,
}

impl GameServer {
    /// The whole answer as proto3 JSON.
    pub fn response_json(&self) -> serde_json::Value {
        let mut needed = 0u64;
        let mut json = vec![0u8; 4096];
        loop {
            // SAFETY: the library is loaded; the buffers have the sizes that are given.
            let status = unsafe {
                (self.library.functions.response_to_json)(
                    self.response.as_ptr().cast_mut().cast(),
                    self.response.len() as u64,
                    json.as_mut_ptr().cast(),
                    json.len() as u64,
                    (&mut needed as *mut u64).cast(),
                    std::ptr::null_mut(),
                    0,
                )
            };
            match status {
                raw::OK => return serde_json::from_slice(&json[..needed as usize]).unwrap_or_default(),
                raw::ERR_TOO_LARGE => json.resize(needed as usize + 1, 0),
                _ => return serde_json::Value::Null,
            }
        }
    }
}

/// A request ended without a game server.
#[derive(Debug, Clone)]
pub struct AllocationError {
    /// How.
    pub outcome: Outcome,
    /// What became of it on the wire.
    pub delivery: Delivery,
    /// The processor's gRPC status code, with `Rejected`.
    pub code: i32,
    /// The processor's text, why the stream was lost, or what a request that was not sent waited for.
    pub message: String,
    /// With `NotSent`: the serialized AllocationRequest, safe to send again.
    pub request: Vec<u8>,
    /// With `NotSent`: what was left of its time.
    pub remaining: Duration,
}

impl fmt::Display for AllocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.outcome, self.delivery)?;
        if self.code != 0 {
            write!(f, " (code {})", self.code)?;
        }
        if self.message.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.message)
        }
    }
}

impl std::error::Error for AllocationError {}

/// A call was refused; nothing has changed. The message names what is wrong.
#[derive(Debug, Clone)]
pub struct ProcessorError {
    /// Why.
    pub status: Status,
    /// In words.
    pub message: String,
}

impl ProcessorError {
    pub(crate) fn new(status: i32, message: String) -> Self {
        Self { status: Status::of(status), message }
    }
}

impl fmt::Display for ProcessorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.status, self.message)
    }
}

impl std::error::Error for ProcessorError {}

/// The library can't be loaded, or has another major version.
#[derive(Debug, Clone)]
pub struct LibraryError(pub(crate) String);

impl fmt::Display for LibraryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LibraryError {}

/// Anything that a client can say no with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The library can't be loaded.
    Library(LibraryError),
    /// A call was refused.
    Processor(ProcessorError),
    /// A request ended without a game server.
    Allocation(AllocationError),
    /// A swap failed; the old plugin goes on.
    Swap(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(error) => error.fmt(f),
            Self::Processor(error) => error.fmt(f),
            Self::Allocation(error) => error.fmt(f),
            Self::Swap(error) => write!(f, "the swap failed: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<LibraryError> for Error {
    fn from(error: LibraryError) -> Self {
        Self::Library(error)
    }
}

impl From<ProcessorError> for Error {
    fn from(error: ProcessorError) -> Self {
        Self::Processor(error)
    }
}

impl From<AllocationError> for Error {
    fn from(error: AllocationError) -> Self {
        Self::Allocation(error)
    }
}

/// The state of the connection, and why.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The state.
    pub state: ConnectionState,
    /// Why; may be empty.
    pub reason: String,
}

/// How a swap went.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct SwapReport {
    pub from_version: String,
    pub to_version: String,
    pub moved: u64,
    pub drained: u64,
    pub longest_gap: Duration,
    /// Whether the old library is out of the process; else `kept_because` says why not.
    pub unloaded: bool,
    pub kept_because: String,
}
