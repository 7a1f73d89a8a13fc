//! JSON: one object, versioned, with the noun as its key; a list has one item a line.

use serde::Serialize;

/// `{"v":1,"<noun>":{…}}`
pub fn one<T: Serialize>(noun: &str, value: &T) -> serde_json::Result<String> {
    Ok(format!("{{\"v\":1,\"{noun}\":{}}}\n", serde_json::to_string(value)?))
}

/// `{"v":1,"<nouns>":[…]}`
pub fn list<T: Serialize>(nouns: &str, items: &[T]) -> serde_json::Result<String> {
    let mut text = begin(nouns);
    for (index, item) in items.iter().enumerate() {
        text.push_str(&entry(index == 0, item)?);
    }
    text.push_str(end());
    Ok(text)
}

/// What comes before the items of a list.
pub(crate) fn begin(nouns: &str) -> String {
    format!("{{\"v\":1,\"{nouns}\":[")
}

/// One item of a list.
pub(crate) fn entry<T: Serialize>(first: bool, item: &T) -> serde_json::Result<String> {
    let comma = if first { "\n" } else { ",\n" };
    Ok(format!("{comma}{}", serde_json::to_string(item)?))
}

/// What comes after the items of a list.
pub(crate) fn end() -> &'static str {
    "]}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_object_with_one_item_a_line() {
        assert_eq!(list("pots", &[1, 2]).expect("json"), "{\"v\":1,\"pots\":[\n1,\n2]}\n");
        assert_eq!(list::<u8>("pots", &[]).expect("json"), "{\"v\":1,\"pots\":[]}\n");
        assert_eq!(one("pot", &1).expect("json"), "{\"v\":1,\"pot\":1}\n");
    }
}
