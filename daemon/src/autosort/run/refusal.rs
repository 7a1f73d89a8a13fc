//! What a refusal by the bank says: in words, and whether it is about the pot itself.

/// Whether a refusal's code says something of the pot itself. That money is missing, an argument wrong or the pot not
/// found passes, and a code of none of the bank's families (monzo/README.md, Errors) is of somebody else.
pub(crate) fn speaks_of_the_pot(code: &str) -> bool {
    let family = code.split_once('.').map(|(family, _)| family);
    matches!(family, Some("bad_request" | "forbidden" | "precondition_failed"))
        && !code.ends_with("insufficient_funds")
        && !code.contains("param")
}

pub(crate) fn refusal(status: u16, code: &str, message: &str) -> String {
    if message.is_empty() {
        format!("the bank refused it ({status} {code})")
    } else {
        format!("the bank refused it: {message} ({code})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_of_the_bank_that_is_about_the_pot_says_something_of_it() {
        for code in ["forbidden.pot_added_security", "forbidden.pot_locked", "bad_request.pot_rule"] {
            assert!(speaks_of_the_pot(code), "{code}");
        }
        for code in [
            "",
            "forbidden",
            "access_denied",
            "captive.portal",
            "bad_request.insufficient_funds",
            "bad_request.bad_param.amount",
            "bad_request.missing_param.dedupe_id",
            "not_found.pot",
            "bad_response.html",
        ] {
            assert!(!speaks_of_the_pot(code), "{code}");
        }
    }
}
