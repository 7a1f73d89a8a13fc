//! The daemon's methods, as its OpenRPC document describes them.

use serde::Serialize;
use serde_json::Value;

use super::style::{Paint, Style};
use super::table::{Align, Table};

/// One method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// The least role that may call it.
    pub role: String,
    /// Its arguments; a `?` marks those that may be left out.
    pub params: Vec<String>,
    /// What it does.
    pub summary: String,
}

impl Method {
    /// All methods of an OpenRPC document.
    pub fn of_document(document: &Value) -> Vec<Self> {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let described = document["methods"].as_array().map(Vec::as_slice).unwrap_or_default();
        described
            .iter()
            .map(|method| {
                let params = method["params"].as_array().map(Vec::as_slice).unwrap_or_default();
                let param = |param: &Value| {
                    let mark = if param["required"] == true { "" } else { "?" };
                    format!("{}{mark}", text(param, "name"))
                };
                Self {
                    name: text(method, "name"),
                    role: text(method, "x-role"),
                    params: params.iter().map(param).collect(),
                    summary: text(method, "summary"),
                }
            })
            .collect()
    }
}

/// `rpc` alone
pub fn methods(methods: &[Method], style: &Style) -> String {
    let mut table = Table::new(&[
        ("METHOD", Align::Left),
        ("ROLE", Align::Left),
        ("ARGUMENTS", Align::Left),
        ("WHAT IT DOES", Align::Flexible),
    ])
    .sparing(&["ROLE", "ARGUMENTS"]);
    for method in methods {
        table.painted([
            (&method.name, Paint::Strong),
            (&method.role, Paint::Quiet),
            (&method.params.join(" "), Paint::Plain),
            (&method.summary, Paint::Plain),
        ]);
    }
    table.take(style)
}
