//! The macro behind the API: it turns one declaration into a trait for the server, one for the client, and a table.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use crate::model::Role;

/// One row of the table: everything about a method except what it does.
#[derive(Debug, Clone, Copy)]
pub struct Method {
    /// Its name on the wire: `noun.verb`.
    pub name: &'static str,
    /// Its function in the traits; the end of a subscription has none.
    pub function: Option<&'static str>,
    /// The lowest role that may call it.
    pub role: Role,
    /// Whether it is served in rescue mode, where the database cannot be used.
    pub rescue: bool,
    /// Whether it starts or ends a subscription, which needs a WebSocket.
    pub subscription: bool,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its parameters, which are passed by name.
    pub parameters: &'static [Parameter],
    /// The schema of its answer; for a subscription, of each message.
    pub answer: Schema,
}

/// A parameter of a method.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// The schema of its type.
    pub schema: Schema,
}

/// Writes the JSON schema of one type.
pub type Schema = fn(&mut SchemaGenerator) -> Value;

/// The schema of `T`, with the types inside it as references.
pub(super) fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

/// Declares the API: a trait for each namespace, and the table [`super::METHODS`].
///
/// ```text
/// /// What the namespace is about.
/// trait Namespace {
///     /// What the method does, in one sentence.
///     #[method("noun.verb", Operator)]                  // the lowest role that may call it: Viewer or Operator
///     fn function(name: Type) -> Answer;
///
///     /// What it does.
///     #[method("noun.other", Viewer in rescue)]         // also served in rescue mode
///     fn other() -> Answer;
///
///     subscriptions {
///         /// Subscription: what it sends.
///         #[subscription("noun.subscribe", Viewer, sends "noun.message", ends with "noun.unsubscribe")]
///         fn subscribe() -> Message;
///     }
/// }
/// ```
///
/// `with_extensions` after the role gives the server's function the connection that the call came from.
macro_rules! api {
    ($(
        $(#[doc = $about:literal])+
        trait $namespace:ident {
            $(
                $(#[doc = $doc:literal])+
                #[method($name:literal, $role:ident $(in $rescue:ident)? $(, $option:ident)?)]
                // Tokens instead of types, so that jsonrpsee still sees which parameters are an `Option`.
                fn $function:ident($($parameter:tt)*) -> $answer:ty;
            )*
            $(subscriptions { $(
                $(#[doc = $message_doc:literal])+
                #[subscription($start:literal, $start_role:ident, sends $message:literal, ends with $end:literal)]
                fn $subscribe:ident() -> $item:ty;
            )+ })?
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[rpc(client, server)]
            pub trait $namespace {
                $(
                    $(#[doc = $doc])+
                    #[method(name = $name, param_kind = map $(, $option)?)]
                    async fn $function(&self, $($parameter)*) -> Result<$answer, Fault>;
                )*
                $($(
                    $(#[doc = $message_doc])+
                    #[subscription(name = $start => $message, unsubscribe = $end, item = $item)]
                    async fn $subscribe(&self) -> SubscriptionResult;
                )+)?
            }
        )+

        /// Every method, in the order of the declarations.
        pub const METHODS: &[Method] = &[$(
            $(
                Method {
                    name: $name,
                    function: Some(stringify!($function)),
                    role: Role::$role,
                    rescue: api!(@rescue $($rescue)?),
                    subscription: false,
                    summary: concat!($($doc),+).trim_ascii(),
                    parameters: api!(@parameters $($parameter)*),
                    answer: table::schema::<$answer>,
                },
            )*
            $($(
                Method {
                    name: $start,
                    function: Some(stringify!($subscribe)),
                    role: Role::$start_role,
                    rescue: false,
                    subscription: true,
                    summary: concat!($($message_doc),+).trim_ascii(),
                    parameters: &[],
                    answer: table::schema::<$item>,
                },
                Method {
                    name: $end,
                    function: None,
                    role: Role::$start_role,
                    rescue: false,
                    subscription: true,
                    summary: "Ends the subscription.",
                    parameters: &[],
                    answer: table::schema::<bool>,
                },
            )+)?
        )+];
    };
    (@rescue) => { false };
    (@rescue rescue) => { true };
    (@parameters $($parameter:ident : $type:ty),*) => {
        &[$(Parameter { name: stringify!($parameter), schema: table::schema::<$type> }),*]
    };
}

pub(super) use api;
