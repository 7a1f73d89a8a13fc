//! JSON-RPC as it arrives and as it is answered: one call, a batch of calls, or something that is neither.
//!
//! HTTP and WebSocket carry the same messages; both bring them here.

use std::borrow::Cow;
use std::sync::Arc;

use jsonrpsee::types::{
    ErrorObjectOwned, Id, InvalidRequest, Notification, Request, Response, ResponsePayload,
};
use monzo_common::fault::{Fault, FaultKind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::middleware::{Answer, Caller, Link, Middleware};
use super::shares::Share;

/// Bytes of an id that a caller gives to a call; it is repeated in the answer. Taste: UUIDs have 36.
const LONGEST_ID: usize = 200;

/// Whoever sends messages over one connection.
#[derive(Clone)]
pub struct Sender {
    /// What their calls pass before the handlers.
    pub middleware: Arc<Middleware>,
    /// Who they are.
    pub caller: Caller,
    /// How their subscriptions reach them.
    pub link: Option<Link>,
    /// Calls in one batch.
    pub max_batch: usize,
}

/// What is sent back.
#[derive(Debug)]
pub struct Reply {
    /// One JSON text.
    pub text: String,
    /// Its share of the bytes that may wait; kept until it is written.
    pub held: Vec<Share>,
}

impl Reply {
    /// A reply that tells an error of the message itself.
    pub fn error(error: impl Into<ErrorObjectOwned>) -> Self {
        Self { text: told(Id::Null, error.into()), held: Vec::new() }
    }
}

/// One entry of a message.
enum Entry {
    Call(Request<'static>),
    /// Nothing here happens without an answer.
    Notification,
    Wrong(Id<'static>, ErrorObjectOwned),
}

/// The id of an object, whatever it is: one that is no id makes a wrong request, not a notification.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl Sender {
    /// Answers a message; to notifications there is no answer.
    pub async fn answer(&self, message: Vec<u8>) -> Option<Reply> {
        let entries = match read(&message, self.max_batch) {
            Ok(entries) => entries,
            Err(error) => return Some(Reply::error(error)),
        };
        // What is worked on has been copied out of it.
        drop(message);
        match entries {
            Message::Single(Entry::Notification) => None,
            Message::Single(Entry::Wrong(id, error)) => {
                Some(Reply { text: told(id, error), held: Vec::new() })
            }
            Message::Single(Entry::Call(request)) => {
                let Answer { json, held, sent } =
                    self.middleware.call(request, &self.caller, self.link.as_ref()).await;
                (!sent).then(|| Reply { text: text(json), held: held.into_iter().collect() })
            }
            Message::Batch(entries) => self.batch(entries).await,
        }
    }

    /// One after the other, each through the middleware.
    async fn batch(&self, entries: Vec<Entry>) -> Option<Reply> {
        let mut reply = Reply { text: String::new(), held: Vec::new() };
        for entry in entries {
            let (answer, held) = match entry {
                Entry::Notification => continue,
                Entry::Wrong(id, error) => (told(id, error), None),
                Entry::Call(request) => {
                    let id = request.id();
                    let Answer { json, held, .. } = self.middleware.call(request, &self.caller, None).await;
                    match reply.text.len().saturating_add(json.get().len()) < self.middleware.max_response() {
                        true => (text(json), held),
                        false => (told(id, batch_answer_too_large().into()), None),
                    }
                }
            };
            reply.text.push(if reply.text.is_empty() { '[' } else { ',' });
            reply.text.push_str(&answer);
            reply.held.extend(held);
        }
        if reply.text.is_empty() {
            return None;
        }
        reply.text.push(']');
        Some(reply)
    }
}

enum Message {
    Single(Entry),
    Batch(Vec<Entry>),
}

/// Reads a message.
fn read(message: &[u8], max_batch: usize) -> Result<Message, ErrorObjectOwned> {
    let text = std::str::from_utf8(message).map_err(|_| not_json())?;
    if !text.trim_start().starts_with('[') {
        return Ok(Message::Single(entry(text)));
    }
    let entries: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| not_json())?;
    if entries.is_empty() {
        return Err(not_a_request());
    }
    if entries.len() > max_batch {
        return Err(batch_too_long(entries.len(), max_batch));
    }
    Ok(Message::Batch(entries.into_iter().map(|text| entry(text.get())).collect()))
}

fn entry(text: &str) -> Entry {
    if let Ok(Request { id, method, params, .. }) = serde_json::from_str::<Request<'_>>(text) {
        if matches!(&id, Id::Str(id) if id.len() > LONGEST_ID) {
            return Entry::Wrong(Id::Null, id_too_long());
        }
        let params = params.map(Cow::into_owned);
        return Entry::Call(Request::owned(method.into_owned(), params, id.into_owned()));
    }
    let notification = serde_json::from_str::<Notification<'_, Option<&RawValue>>>(text).is_ok();
    if notification && serde_json::from_str::<Named<'_>>(text).is_ok_and(|named| named.id.is_none()) {
        return Entry::Notification;
    }
    let id = serde_json::from_str::<InvalidRequest<'_>>(text).ok().map(|request| request.id.into_owned());
    let id = id.filter(|id| !matches!(id, Id::Str(id) if id.len() > LONGEST_ID)).unwrap_or(Id::Null);
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Entry::Wrong(id, not_a_request()),
        Err(_) => Entry::Wrong(id, not_json()),
    }
}

fn text(json: Box<RawValue>) -> String {
    Box::<str>::from(json).into_string()
}

/// The response that tells an error.
pub fn told(id: Id<'_>, error: ErrorObjectOwned) -> String {
    let response = Response::<()>::new(ResponsePayload::Error(error), id);
    serde_json::to_string(&response).unwrap_or_default()
}

const SHAPE: &str =
    r#"send `{"jsonrpc":"2.0","id":1,"method":"system.status"}`; `monzoctl rpc` lists the methods"#;

fn not_json() -> ErrorObjectOwned {
    let fault = Fault::new(FaultKind::InvalidParams, "the request is not JSON", SHAPE);
    fault.numbered(-32700)
}

fn not_a_request() -> ErrorObjectOwned {
    let fault = Fault::new(FaultKind::InvalidParams, "this is JSON, but not a JSON-RPC 2.0 request", SHAPE);
    fault.numbered(-32600)
}

fn id_too_long() -> ErrorObjectOwned {
    let message = format!("the id of a call may have {LONGEST_ID} bytes, and this one has more");
    Fault::new(FaultKind::InvalidParams, message, "use numbers as ids").numbered(-32600)
}

fn batch_too_long(length: usize, longest: usize) -> ErrorObjectOwned {
    let message = format!("the batch has {length} calls, and `rpc.max_batch` allows {longest}");
    Fault::new(FaultKind::InvalidParams, message, "send several smaller batches").numbered(-32010)
}

fn batch_answer_too_large() -> Fault {
    let message = "the answers to the calls before this one in the batch leave no room for its answer";
    Fault::new(FaultKind::Busy, message, "ask again, outside of the batch")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn wrong(message: &str) -> Value {
        let text = match read(message.as_bytes(), 2) {
            Ok(Message::Single(Entry::Wrong(id, error))) => told(id, error),
            Err(error) => told(Id::Null, error),
            Ok(_) => return Value::Null,
        };
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn whatever_is_wrong_with_a_message_has_its_number_its_code_and_a_hint() {
        let long_id = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"x"}}"#, "i".repeat(201));
        let deep = "[".repeat(200_000);
        for (message, number) in [
            ("", -32700),
            ("nonsense", -32700),
            ("{", -32700),
            ("[1,", -32700),
            ("\u{7f}", -32700),
            (deep.as_str(), -32700),
            ("[]", -32600),
            ("{}", -32600),
            ("1", -32600),
            ("null", -32600),
            (r#"{"id":1,"method":"x"}"#, -32600),
            (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1,"method":5}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, -32600),
            (&long_id, -32600),
            ("[1,2,3]", -32010),
        ] {
            let answer = wrong(message);
            let error = &answer["error"];
            let shown = &message[..message.len().min(60)];
            assert_eq!(error["code"], number, "{shown}: {answer}");
            assert_eq!(error["data"]["code"], "invalid_params", "{shown}: {answer}");
            assert!(error["data"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{shown}: {answer}");
            assert!(answer.to_string().len() < 500, "{shown}: {answer}");
        }
    }

    #[test]
    fn the_id_of_a_wrong_request_is_kept_where_it_can_be_read() {
        assert_eq!(wrong(r#"{"id":7,"method":"x"}"#)["id"], 7);
        assert_eq!(wrong(r#"{"id":"seven"}"#)["id"], "seven");
        assert_eq!(wrong("[]")["id"], Value::Null);
    }

    #[test]
    fn what_is_not_text_is_not_json() {
        assert!(read(&[b'"', 0xff, b'"'], 2).is_err_and(|error| error.code() == -32700));
    }
}
