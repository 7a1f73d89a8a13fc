//! The JSON-RPC server: who is asking, whether they may, and how their calls are kept within bounds.
//!
//! A connection is a peer with a role before a byte of it is read, and every call passes one gate. Read `peer` and
//! `access` first, then `guard`, then `server`; `events` is what subscriptions follow;
//! `handlers` are the methods.

pub mod access;
pub mod events;
pub mod guard;
pub mod handlers;
pub mod peer;
pub mod server;
