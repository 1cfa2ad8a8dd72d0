// SPDX-License-Identifier: Apache-2.0
//! Game servers from the Agones allocation processor.
//!
//! ```no_run
//! # #[cfg(feature = "tokio")]
//! # async fn host() -> Result<(), agones_processor::Error> {
//! use agones_processor::{Builder, Client};
//!
//! let builder = Builder::new("agones-processor:9090", |server| println!("give back {}", server.name)).set("transport", "plaintext");
//! let client = Client::new(builder)?;
//! let server = client.allocate(serde_json::json!({"namespace": "default"})).await?;
//! println!("{} at {}", server.name, server.address);
//! client.close(std::time::Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

pub mod blocking;
#[cfg(feature = "tokio")]
mod client;
mod core;
mod library;
pub mod raw;
mod types;

pub use crate::core::Builder;
#[cfg(feature = "tokio")]
pub use client::{Allocation, Client};
pub use types::*;
