// SPDX-License-Identifier: Apache-2.0
//! What both clients share: the handle, the requests that wait, and the polls.

use std::collections::HashMap;
use std::ffi::{c_void, CString};
#[cfg(feature = "tokio")]
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::library::{bytes_at, check, text_in, text_of, Library};
use crate::raw;
use crate::types::*;

const EVENTS_A_TIME: usize = 256;

pub(crate) type Ending = Result<GameServer, AllocationError>;
/// Takes how a request ended; gives it back if nobody waits any more.
pub(crate) type Waiter = Box<dyn FnOnce(Ending) -> Result<(), Box<Ending>> + Send>;

/// Settings of a client.
#[must_use]
pub struct Builder {
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) library: Option<PathBuf>,
    pub(crate) on_orphan: Box<dyn Fn(GameServer) + Send + Sync>,
    pub(crate) on_connection: Box<dyn Fn(Connection) + Send + Sync>,
}

impl Builder {
    /// `on_orphan` gets every game server that nobody else knows of: its request had timed out, was dropped, or lost its stream.
    pub fn new(processor_address: &str, on_orphan: impl Fn(GameServer) + Send + Sync + 'static) -> Self {
        Self {
            settings: vec![("processor_address".into(), processor_address.into())],
            library: None,
            on_orphan: Box::new(on_orphan),
            on_connection: Box::new(|_| ()),
        }
    }

    /// Any field of the ABI's proc_config by its name; the library has the defaults and checks them.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.push((name.into(), value.to_string()));
        self
    }

    /// The host library's file, or a plugin's own. Default: AGONES_PROCESSOR_PLUGIN, the one beside the program, the system's.
    pub fn library(mut self, file: impl Into<PathBuf>) -> Self {
        self.library = Some(file.into());
        self
    }

    /// Gets every change of the connection's state.
    pub fn on_connection(mut self, f: impl Fn(Connection) + Send + Sync + 'static) -> Self {
        self.on_connection = Box::new(f);
        self
    }
}

struct Events(Vec<raw::Event>);
// SAFETY: the pointers in it are looked at under the lock alone, while they live.
unsafe impl Send for Events {}

pub(crate) struct Core {
    handle: *mut c_void,
    pub(crate) library: Arc<Library>,
    on_orphan: Box<dyn Fn(GameServer) + Send + Sync>,
    on_connection: Box<dyn Fn(Connection) + Send + Sync>,
    waiting: Mutex<HashMap<u64, Waiter>>,
    events: Mutex<Events>,
    last_token: AtomicU64,
    closed: AtomicBool,
}

// SAFETY: the ABI's functions may be called from any thread; polls are under a lock.
unsafe impl Send for Core {}
unsafe impl Sync for Core {}

impl Core {
    pub(crate) fn new(builder: Builder) -> Result<Arc<Self>, Error> {
        let library = Library::load(builder.library.as_deref())?;
        let handle = Self::init(&library.functions, &builder.settings)?;
        Ok(Arc::new(Self {
            handle,
            library: Arc::new(library),
            on_orphan: builder.on_orphan,
            on_connection: builder.on_connection,
            waiting: Mutex::default(),
            // SAFETY: an event of zeros is an empty one.
            events: Mutex::new(Events(vec![unsafe { std::mem::zeroed() }; EVENTS_A_TIME])),
            last_token: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }))
    }

    fn init(functions: &raw::Functions, settings: &[(String, String)]) -> Result<*mut c_void, ProcessorError> {
        // SAFETY: the library fills the struct; pointers are to what lives during each call.
        unsafe {
            let mut config: raw::Config = std::mem::zeroed();
            let at: *mut c_void = (&mut config as *mut raw::Config).cast();
            check(|error, size| (functions.config_init)(raw::ABI_VERSION, at, std::mem::size_of::<raw::Config>() as u32, error, size))?;
            let made = (|| {
                for (name, value) in settings {
                    let (name, value) = (terminated(name)?, terminated(value)?);
                    check(|error, size| (functions.config_set)(at, name.as_ptr(), value.as_ptr(), error, size))?;
                }
                let mut handle: *mut c_void = std::ptr::null_mut();
                check(|error, size| (functions.init)(at, (&mut handle as *mut *mut c_void).cast(), error, size))?;
                Ok(handle)
            })();
            (functions.config_clear)(at);
            made
        }
    }

    fn handle(&self) -> Result<*mut c_void, ProcessorError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ProcessorError::new(raw::ERR_SHUT_DOWN, "the client is closed".into()));
        }
        Ok(self.handle)
    }

    /// The request's id.
    pub(crate) fn submit(&self, request: &Request, timeout: Option<Duration>, waiter: Waiter) -> Result<u64, ProcessorError> {
        let handle = self.handle()?;
        let (format, body) = match request {
            Request::Json(json) => (raw::FORMAT_JSON, json.as_bytes()),
            Request::Protobuf(bytes) => (raw::FORMAT_PROTOBUF, bytes.as_slice()),
            Request::Manifest(json) => (raw::FORMAT_MANIFEST, json.as_bytes()),
        };
        let token = self.last_token.fetch_add(1, Ordering::Relaxed) + 1;
        let timeout_ms = timeout.map_or(0, |time| time.as_millis().clamp(1, u128::from(u32::MAX)) as u32);
        // Its result may come before the call returns.
        self.waiting.lock().unwrap().insert(token, waiter);
        let mut id = 0u64;
        let accepted = check(|error, size| unsafe {
            (self.library.functions.allocate)(
                handle,
                format,
                body.as_ptr().cast_mut().cast(),
                body.len() as u64,
                timeout_ms,
                token,
                (&mut id as *mut u64).cast(),
                error,
                size,
            )
        });
        if let Err(error) = accepted {
            self.waiting.lock().unwrap().remove(&token);
            return Err(error);
        }
        Ok(id)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn cancel(&self, id: u64) {
        if let Ok(handle) = self.handle() {
            // What has ended already can't be cancelled, and need not be.
            let _ = check(|error, size| unsafe { (self.library.functions.cancel)(handle, id, error, size) });
        }
    }

    /// Nobody waits for this game server any more.
    pub(crate) fn orphan(&self, ending: Ending) {
        if let Ok(server) = ending {
            survive(|| (self.on_orphan)(server));
        }
    }

    /// Hands out what has come; whether more waits.
    pub(crate) fn poll(&self, wait_ms: i32) -> Result<bool, ProcessorError> {
        let mut events = self.events.lock().unwrap();
        let handle = self.handle()?;
        let (mut count, mut more) = (0u32, 0u32);
        check(|error, size| unsafe {
            (self.library.functions.poll_events)(
                handle,
                events.0.as_mut_ptr().cast(),
                std::mem::size_of::<raw::Event>() as u32,
                EVENTS_A_TIME as u32,
                0,
                wait_ms,
                (&mut count as *mut u32).cast(),
                (&mut more as *mut u32).cast(),
                error,
                size,
            )
        })?;
        for event in &events.0[..count as usize] {
            // SAFETY: what it points to lives until the next poll, and the lock is held.
            unsafe { self.take(event) };
        }
        Ok(more != 0)
    }

    unsafe fn take(&self, event: &raw::Event) {
        unsafe {
            match event.r#type {
                raw::EVENT_RESULT => self.end(event),
                raw::EVENT_ORPHAN => self.orphan(Ok(self.server(event))),
                raw::EVENT_CONNECTION => {
                    let connection = Connection { state: ConnectionState::of(event.connection), reason: text_of(event.message) };
                    survive(|| (self.on_connection)(connection));
                }
                raw::EVENT_LOG => {
                    let level = match event.severity {
                        raw::SEVERITY_TRACE => log::Level::Trace,
                        raw::SEVERITY_DEBUG => log::Level::Debug,
                        raw::SEVERITY_INFO => log::Level::Info,
                        raw::SEVERITY_WARNING => log::Level::Warn,
                        _ => log::Level::Error,
                    };
                    log::log!(target: &format!("agones_processor::{}", text_of(event.kind)), level, "{}", text_of(event.message));
                }
                _ => (),
            }
        }
    }

    unsafe fn end(&self, event: &raw::Event) {
        let waiter = self.waiting.lock().unwrap().remove(&event.token);
        let ending = if event.outcome == raw::OUTCOME_ALLOCATED {
            Ok(unsafe { self.server(event) })
        } else {
            Err(AllocationError {
                outcome: Outcome::of(event.outcome),
                delivery: Delivery::of(event.delivery),
                code: event.code,
                message: unsafe { text_of(event.message) },
                request: unsafe { bytes_at(event.request.data.cast(), event.request.size) }.to_vec(),
                remaining: Duration::from_millis(event.remaining_ms.into()),
            })
        };
        match waiter {
            Some(waiter) => {
                if let Err(nobodys) = waiter(ending) {
                    self.orphan(*nobodys);
                }
            }
            None => self.orphan(ending),
        }
    }

    unsafe fn server(&self, event: &raw::Event) -> GameServer {
        unsafe {
            let ports: &[raw::Port] =
                if event.port_count == 0 { &[] } else { std::slice::from_raw_parts(event.ports.cast(), event.port_count as usize) };
            GameServer {
                name: text_of(event.game_server_name),
                address: text_of(event.address),
                node_name: text_of(event.node_name),
                source: text_of(event.source),
                ports: ports.iter().map(|one| (text_of(one.name), one.port as u16)).collect(),
                response: bytes_at(event.response.data.cast(), event.response.size).to_vec(),
                library: Arc::clone(&self.library),
            }
        }
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn wakeup_fd(&self) -> Result<RawFd, ProcessorError> {
        let handle = self.handle()?;
        let mut fd = -1i32;
        check(|error, size| unsafe { (self.library.functions.get_wakeup_fd)(handle, (&mut fd as *mut i32).cast(), error, size) })?;
        Ok(fd)
    }

    pub(crate) fn wake(&self) {
        if let Ok(handle) = self.handle() {
            let _ = check(|error, size| unsafe { (self.library.functions.wake)(handle, error, size) });
        }
    }

    pub(crate) fn connection(&self) -> Result<Connection, ProcessorError> {
        let handle = self.handle()?;
        let mut state = 0i32;
        let mut reason = [0u8; 1024];
        check(|error, size| unsafe {
            (self.library.functions.get_connection)(
                handle,
                (&mut state as *mut i32).cast(),
                reason.as_mut_ptr().cast(),
                reason.len() as u64,
                error,
                size,
            )
        })?;
        Ok(Connection { state: ConnectionState::of(state), reason: text_in(&reason) })
    }

    pub(crate) fn stats(&self) -> Result<raw::Stats, ProcessorError> {
        let handle = self.handle()?;
        // SAFETY: stats of zeros are empty ones.
        let mut stats: raw::Stats = unsafe { std::mem::zeroed() };
        stats.struct_size = std::mem::size_of::<raw::Stats>() as u32;
        check(|error, size| unsafe { (self.library.functions.get_stats)(handle, (&mut stats as *mut raw::Stats).cast(), error, size) })?;
        Ok(stats)
    }

    pub(crate) fn version(&self) -> Result<String, ProcessorError> {
        let Some(get) = self.library.functions.get_plugin_version else {
            // SAFETY: a text of the library's that ends with NUL.
            return Ok(unsafe { std::ffi::CStr::from_ptr((self.library.functions.version)()) }.to_string_lossy().into_owned());
        };
        let handle = self.handle()?;
        let mut text = [0u8; 64];
        check(|error, size| unsafe { get(handle, text.as_mut_ptr().cast(), text.len() as u64, error, size) })?;
        Ok(text_in(&text))
    }

    pub(crate) fn start_swap(&self, file: &str, sha256: Option<&str>) -> Result<(), Error> {
        let Some(swap) = self.library.functions.swap else {
            return Err(Error::Swap(format!("{} is a plugin: swapping needs the host library", self.library.file.display())));
        };
        let handle = self.handle()?;
        let file = terminated(file)?;
        let sha256 = sha256.map(terminated).transpose()?;
        let digits = sha256.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        Ok(check(|error, size| unsafe { swap(handle, file.as_ptr(), digits, error, size) })?)
    }

    /// Nothing: it is still running.
    pub(crate) fn swap_report(&self) -> Result<Option<SwapReport>, Error> {
        let (Some(get), handle) = (self.library.functions.get_swap_report, self.handle()?) else {
            return Err(Error::Swap("no host library".into()));
        };
        // SAFETY: a report of zeros is an empty one.
        let mut report: raw::SwapReport = unsafe { std::mem::zeroed() };
        report.struct_size = std::mem::size_of::<raw::SwapReport>() as u32;
        check(|error, size| unsafe { get(handle, (&mut report as *mut raw::SwapReport).cast(), error, size) })?;
        let text = |characters: &[std::ffi::c_char]| text_in(&characters.iter().map(|c| *c as u8).collect::<Vec<_>>());
        match report.state {
            raw::SWAP_RUNNING => Ok(None),
            raw::SWAP_FAILED => Err(Error::Swap(text(&report.error))),
            _ => Ok(Some(SwapReport {
                from_version: text(&report.from_version),
                to_version: text(&report.to_version),
                moved: report.moved,
                drained: report.drained,
                longest_gap: Duration::from_micros(report.longest_gap_us),
                unloaded: report.unloaded == 1,
                kept_because: text(&report.error),
            })),
        }
    }

    pub(crate) fn drain(&self, return_unsent: bool) -> Result<(), ProcessorError> {
        let handle = self.handle()?;
        let flags = if return_unsent { raw::DRAIN_RETURN_UNSENT } else { raw::DRAIN_FINISH };
        check(|error, size| unsafe { (self.library.functions.drain)(handle, flags, error, size) })
    }

    pub(crate) fn idle(&self) -> bool {
        self.waiting.lock().unwrap().is_empty()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits; nobody may be polling.
    pub(crate) fn close(&self, timeout: Duration) -> Result<(), ProcessorError> {
        if self.is_closed() {
            return Ok(());
        }
        let timeout_ms = timeout.as_millis().min(u128::from(u32::MAX)) as u32;
        {
            let _polls = self.events.lock().unwrap();
            check(|error, size| unsafe { (self.library.functions.shutdown)(self.handle, timeout_ms, error, size) })?;
        }
        while self.poll(0)? {}
        let _polls = self.events.lock().unwrap();
        check(|error, size| unsafe { (self.library.functions.destroy)(self.handle, error, size) })?;
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.close(Duration::ZERO);
    }
}

/// A callback's panic is not to keep the next result from its caller.
fn survive(callback: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(callback)).is_err() {
        log::error!(target: "agones_processor", "a callback panicked");
    }
}

fn terminated(text: &str) -> Result<CString, ProcessorError> {
    CString::new(text).map_err(|_| ProcessorError::new(raw::ERR_INVALID_ARGUMENT, format!("{text:?} has a NUL in it")))
}
