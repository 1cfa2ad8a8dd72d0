// SPDX-License-Identifier: Apache-2.0
//! A client for programs with threads: `allocate` waits. One thread of its own takes the events.

use std::sync::mpsc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::core::{Builder, Core};
use crate::raw;
use crate::types::*;

const WAIT_MS: i32 = 1000;
const SWAP_POLL: Duration = Duration::from_millis(10);

/// A connection to the allocation processor. May be shared between threads.
pub struct Client {
    core: Arc<Core>,
    stop: Arc<std::sync::atomic::AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Starts to connect in the background.
    pub fn new(builder: Builder) -> Result<Self, Error> {
        let core = Core::new(builder)?;
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let thread = std::thread::Builder::new().name("agones-processor".into()).spawn({
            let (core, stop) = (Arc::clone(&core), Arc::clone(&stop));
            move || {
                while !stop.load(std::sync::atomic::Ordering::Acquire) {
                    match core.poll(WAIT_MS) {
                        Ok(_) => (),
                        // Nothing is lost: poll again.
                        Err(error) if error.status == Status::NoMemory => std::thread::sleep(SWAP_POLL),
                        Err(_) => return,
                    }
                }
            }
        });
        let thread = thread.map_err(|error| Error::Library(LibraryError(format!("no thread: {error}"))))?;
        Ok(Self { core, stop, thread: Some(thread) })
    }

    /// Waits for a game server. `timeout`: default the setting allocation_timeout_ms.
    pub fn allocate(&self, request: impl Into<Request>, timeout: Option<Duration>) -> Result<GameServer, Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.core.submit(&request.into(), timeout, Box::new(move |ending| sender.send(ending).map_err(|lost| Box::new(lost.0))))?;
        match receiver.recv() {
            Ok(ending) => Ok(ending?),
            Err(mpsc::RecvError) => Err(ProcessorError::new(raw::ERR_SHUT_DOWN, "the client is closed".into()).into()),
        }
    }

    /// The state of the connection.
    pub fn connection(&self) -> Result<Connection, ProcessorError> {
        self.core.connection()
    }

    /// Counters since the beginning.
    pub fn stats(&self) -> Result<raw::Stats, ProcessorError> {
        self.core.stats()
    }

    /// The release of the plugin that takes new requests.
    pub fn version(&self) -> Result<String, ProcessorError> {
        self.core.version()
    }

    /// Takes no more requests, and waits until those under way have ended. `return_unsent`: what is not sent ends at once.
    pub fn drain(&self, return_unsent: bool) -> Result<(), ProcessorError> {
        self.core.drain(return_unsent)?;
        while !self.core.idle() {
            std::thread::sleep(SWAP_POLL);
        }
        Ok(())
    }

    /// Replaces the plugin by another version; requests under way go on.
    pub fn swap(&self, file: &str, sha256: Option<&str>) -> Result<SwapReport, Error> {
        self.core.start_swap(file, sha256)?;
        loop {
            if let Some(report) = self.core.swap_report()? {
                return Ok(report);
            }
            std::thread::sleep(SWAP_POLL);
        }
    }

    /// Ends the client: unsent requests at once, sent ones are awaited for so long.
    pub fn close(mut self, timeout: Duration) -> Result<(), ProcessorError> {
        self.stop_polling();
        self.core.close(timeout)
    }

    fn stop_polling(&mut self) {
        self.stop.store(true, std::sync::atomic::Ordering::Release);
        self.core.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop_polling();
    }
}
