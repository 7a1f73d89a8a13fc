//! The JSON-RPC server: who is asking, whether they may, and how their calls are kept within bounds.
//!
//! A connection is a peer with a role before a byte of it is read, and every call passes one gate. Read `peer` and
//! `access` first, then `guard`, then `server`; `message` is JSON-RPC itself, `places` says who gets how much of
//! what is limited; `events` is what subscriptions follow; `handlers` are the methods.

pub mod access;
mod arguments;
pub mod events;
pub mod guard;
pub mod handlers;
mod http;
mod message;
pub mod peer;
mod places;
pub mod server;
mod strangers;
mod stream;
mod websocket;
