//! CSV: the JSON's names as columns, nested ones joined with `.`, lists and maps as JSON in their cell.

use serde::Serialize;
use serde_json::Value;

use super::columns::Columns;

/// Rows under a fixed header.
#[derive(Debug, Clone, Copy)]
pub struct Csv(pub Columns);

impl Csv {
    /// The header line.
    pub fn header(self) -> String {
        line(self.0.iter().copied())
    }

    /// One line for one item.
    pub fn row<T: Serialize>(self, item: &T) -> serde_json::Result<String> {
        let value = serde_json::to_value(item)?;
        let cells: Vec<String> = self.0.iter().map(|path| cell(&value, path)).collect();
        Ok(line(cells.iter().map(String::as_str)))
    }
}

/// One thing as a header and a line, every leaf of its JSON a column.
pub fn csv_of_one<T: Serialize>(thing: &T) -> serde_json::Result<String> {
    let mut leaves = Vec::new();
    flatten(String::new(), &serde_json::to_value(thing)?, &mut leaves);
    let header = line(leaves.iter().map(|(path, _)| path.as_str()));
    Ok(header + &line(leaves.iter().map(|(_, cell)| cell.as_str())))
}

fn flatten(path: String, value: &Value, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(path, member, leaves);
            }
        }
        leaf => leaves.push((path, text_of(leaf))),
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut bytes = Vec::new();
    let mut writer = csv::Writer::from_writer(&mut bytes);
    // Writing to memory does not fail; an empty line would be the visible sign if it did.
    let written = writer.write_record(cells).is_ok() && writer.flush().is_ok();
    drop(writer);
    if written { String::from_utf8(bytes).unwrap_or_default() } else { "\n".to_owned() }
}

fn cell(value: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(value, |value, key| value.get(key));
    found.map(text_of).unwrap_or_default()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_have_their_columns_and_missing_ones_are_empty() {
        let csv = Csv(&["id", "merchant.name", "tags", "amount"]);
        assert_eq!(csv.header(), "id,merchant.name,tags,amount\n");
        let item = json!({"id": "tx_1", "merchant": {"name": "Smith, \"J\""}, "tags": ["a"], "amount": -5});
        assert_eq!(csv.row(&item).expect("a row"), "tx_1,\"Smith, \"\"J\"\"\",\"[\"\"a\"\"]\",-5\n");
        assert_eq!(csv.row(&json!({"id": "x", "merchant": null})).expect("a row"), "x,,,\n");
    }
}
