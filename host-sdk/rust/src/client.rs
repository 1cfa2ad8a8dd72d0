// SPDX-License-Identifier: Apache-2.0
//! The client for tokio: a task of its own watches the library's descriptor.

use std::future::Future;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::io::Interest;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::core::{Builder, Core, Ending};
use crate::raw;
use crate::types::*;

const SWAP_POLL: Duration = Duration::from_millis(10);

/// A connection to the allocation processor. To be made inside a tokio runtime.
pub struct Client {
    core: Arc<Core>,
    polls: JoinHandle<()>,
}

/// A request under way: a future of its game server. Dropped, it cancels the request; a game server that comes all the same is an
/// orphan.
#[must_use = "dropping it cancels the request"]
pub struct Allocation {
    receiver: oneshot::Receiver<Ending>,
    core: Arc<Core>,
    id: u64,
    done: bool,
}

impl Future for Allocation {
    type Output = Result<GameServer, AllocationError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(ending) = Pin::new(&mut self.receiver).poll(context) else {
            return Poll::Pending;
        };
        self.done = true;
        // Without an ending the client was torn down in the middle.
        Poll::Ready(ending.unwrap_or_else(|_| {
            Err(AllocationError {
                outcome: Outcome::Shutdown,
                delivery: Delivery::Unknown,
                code: 0,
                message: "the client is gone".into(),
                request: Vec::new(),
                remaining: Duration::ZERO,
            })
        }))
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // It may have come a moment before.
        self.receiver.close();
        match self.receiver.try_recv() {
            Ok(ending) => self.core.orphan(ending),
            Err(_) => self.core.cancel(self.id),
        }
    }
}

impl Client {
    /// Starts to connect in the background.
    pub fn new(builder: Builder) -> Result<Self, Error> {
        let core = Core::new(builder)?;
        // A duplicate: the library's own must not be closed.
        // SAFETY: the descriptor lives as long as the client.
        let borrowed = unsafe { BorrowedFd::borrow_raw(core.wakeup_fd()?) };
        // The successor of with_interest is too new; the descriptor is owned, as that one asks.
        #[allow(deprecated)]
        let watched = borrowed
            .try_clone_to_owned()
            .and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE))
            .map_err(|error| Error::Library(LibraryError(format!("the descriptor can't be watched: {error}"))))?;
        let polls = tokio::spawn(Self::poll_for_ever(Arc::clone(&core), watched));
        Ok(Self { core, polls })
    }

    async fn poll_for_ever(core: Arc<Core>, watched: AsyncFd<OwnedFd>) {
        debug_assert!(watched.as_raw_fd() >= 0);
        while let Ok(mut ready) = watched.readable().await {
            match core.poll(0) {
                // Told of again only once nothing waits: the descriptor is watched edge-triggered.
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => ready.clear_ready(),
                // Nothing is lost: poll again.
                Err(error) if error.status == Status::NoMemory => tokio::time::sleep(SWAP_POLL).await,
                Err(_) => return,
            }
        }
    }

    /// Asks for a game server. `timeout`: default the setting allocation_timeout_ms.
    pub fn submit(&self, request: impl Into<Request>, timeout: Option<Duration>) -> Result<Allocation, ProcessorError> {
        let (sender, receiver) = oneshot::channel();
        let id = self.core.submit(&request.into(), timeout, Box::new(move |ending| sender.send(ending).map_err(Box::new)))?;
        Ok(Allocation { receiver, core: Arc::clone(&self.core), id, done: false })
    }

    /// A game server. Dropping the future (tokio::time::timeout, select!) cancels the request.
    pub async fn allocate(&self, request: impl Into<Request>) -> Result<GameServer, Error> {
        Ok(self.submit(request, None)?.await?)
    }

    /// The state of the connection.
    pub fn connection(&self) -> Result<Connection, ProcessorError> {
        self.core.connection()
    }

    /// Counters since the beginning; pending, unsent, in_flight, late_answers are as of now.
    pub fn stats(&self) -> Result<raw::Stats, ProcessorError> {
        self.core.stats()
    }

    /// The release of the plugin that takes new requests.
    pub fn version(&self) -> Result<String, ProcessorError> {
        self.core.version()
    }

    /// Replaces the plugin by another version; requests under way go on. Needs the host library.
    pub async fn swap(&self, file: &str, sha256: Option<&str>) -> Result<SwapReport, Error> {
        self.core.start_swap(file, sha256)?;
        loop {
            self.core.poll(0)?; // carries it on
            if let Some(report) = self.core.swap_report()? {
                return Ok(report);
            }
            tokio::time::sleep(SWAP_POLL).await;
        }
    }

    /// Takes no more requests, and waits until those under way have ended. `return_unsent`: what is not sent ends at once.
    pub async fn drain(&self, return_unsent: bool) -> Result<(), ProcessorError> {
        self.core.drain(return_unsent)?;
        while !self.core.idle() {
            tokio::time::sleep(SWAP_POLL).await;
        }
        Ok(())
    }

    /// Ends the client: unsent requests at once, sent ones are awaited for so long.
    pub async fn close(self, timeout: Duration) -> Result<(), ProcessorError> {
        self.polls.abort();
        let core = Arc::clone(&self.core);
        tokio::task::spawn_blocking(move || core.close(timeout))
            .await
            .unwrap_or_else(|error| Err(ProcessorError::new(raw::ERR_INTERNAL, error.to_string())))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.polls.abort();
    }
}
