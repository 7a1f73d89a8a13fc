//! The JSON-RPC server: who is asking, whether they may, and how their calls are kept within bounds.
//!
//! A connection is a peer with a role before a byte of it is read, and every call passes the middleware. Read `peer`
//! and `access` first, then `middleware`, then `server`; `message` is JSON-RPC itself, `places` says who gets how much of
//! what is limited; `events` is what subscriptions follow; `handlers` are the methods.

pub mod access;
mod arguments;
pub mod events;
mod faults;
pub mod handlers;
mod http;
mod message;
pub mod middleware;
pub mod peer;
pub mod server;
mod shares;
mod strangers;
mod stream;
mod websocket;
