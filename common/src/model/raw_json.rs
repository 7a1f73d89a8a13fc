//! JSON of the bank that is passed on as its text.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Any JSON value, kept as text: a page of rows with theirs is one allocation a row instead of hundreds.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Keeps a text as it is; one that is not JSON becomes a JSON string.
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_else(|_| raw(&Value::String(text.to_owned()))))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value, decoded.
    pub fn value(&self) -> Value {
        // Deeper than decoders go, or an escape that they refuse: the text is still worth showing.
        serde_json::from_str(self.as_str()).unwrap_or_else(|_| Value::String(self.as_str().to_owned()))
    }
}

/// The compact text of a value.
fn raw(value: &Value) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl From<Value> for RawJson {
    fn from(value: Value) -> Self {
        Self(raw(&value))
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() || self.value() == other.value()
    }
}

impl Eq for RawJson {}

// Through a value: raw text cannot be read inside flattened structs, and line breaks in it would break JSON lines.
impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for RawJson {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AnyValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Value::json_schema(generator)
    }
}
