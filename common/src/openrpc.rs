//! The OpenRPC document: generated from the table of methods, so that it cannot promise what the code does not do.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::VERSION;
use crate::api::{METHODS, Method};
use crate::fault::FaultKind;

/// The whole document.
pub fn document() -> Value {
    let mut schemas = SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let methods: Vec<Value> = METHODS.iter().map(|method| describe(method, &mut schemas)).collect();
    let faults: Map<String, Value> = FaultKind::ALL
        .iter()
        .map(|kind| (kind.code().to_owned(), json!({"code": kind.number(), "message": kind.meaning()})))
        .collect();
    json!({
        "openrpc": "1.3.2",
        "info": {"title": "monzod", "version": VERSION, "license": {"name": "MIT OR Apache-2.0"}},
        "methods": methods,
        "components": {"schemas": schemas.take_definitions(true), "errors": faults},
    })
}

fn describe(method: &Method, schemas: &mut SchemaGenerator) -> Value {
    let mut params = Vec::new();
    for parameter in method.parameters {
        let schema = (parameter.schema)(schemas);
        params.push(json!({"name": parameter.name, "required": !accepts_null(&schema), "schema": schema}));
    }
    json!({
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": params,
        "result": {"name": "result", "schema": (method.answer)(schemas)},
        "x-role": method.role,
    })
}

/// Whether the value may be `null`: such parameters may be left out.
fn accepts_null(schema: &Value) -> bool {
    let is_null = |value: &Value| value.as_str() == Some("null");
    let variants = schema["anyOf"].as_array().into_iter().flatten();
    let listed = schema["type"].as_array().is_some_and(|types| types.iter().any(is_null));
    listed || variants.into_iter().any(|variant| is_null(&variant["type"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method<'a>(document: &'a Value, name: &str) -> &'a Value {
        let methods = document["methods"].as_array().expect("methods are a list");
        methods.iter().find(|method| method["name"] == name).expect("the method is described")
    }

    #[test]
    fn every_method_is_described() {
        let document = document();
        for declared in METHODS {
            let described = method(&document, declared.name);
            assert!(described["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{described}");
        }
    }

    #[test]
    fn a_parameter_that_may_be_left_out_is_not_required() {
        let document = document();
        let required = |name| {
            let params = method(&document, name)["params"].as_array().cloned().unwrap_or_default();
            let names = params.iter().filter(|param| param["required"] == true);
            names.map(|param| param["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(required("autosort.run"), ["rule", "again"]);
        assert_eq!(required("balances.list"), Vec::<String>::new());
        assert_eq!(required("insight.balances"), ["since", "until"]);
    }

    #[test]
    fn every_reference_in_the_document_resolves() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().expect("schemas are an object");
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(schemas.contains_key(name), "{name} is referred to but not described");
        }
    }
}
