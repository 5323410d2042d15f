//! Starting pytest, and the event schema of the plugin.
//!
//! [`runner`] runs pytest with the plugin injected, [`follow`] reads the events while they are written, and
//! [`crate::ingest::events::Assembler`] makes a [`crate::model::Run`] of them, at any moment.

pub mod events;
pub mod follow;
pub mod inject;
pub mod interpreter;
pub mod process;
pub mod runner;
pub mod trace;
