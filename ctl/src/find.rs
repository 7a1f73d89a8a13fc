//! Finding what a person means: by id, unique id prefix, or unique name whatever the case.
//!
//! Of things with the same name the live ones come before deleted and closed ones, since people reuse names.

use monzo_common::model::{Account, Pot, Rule};

use crate::failure::Failure;

/// Something that people call by id or name.
pub trait Named {
    /// What it is called in messages: `account`, `pot`.
    const NOUN: &'static str;
    /// The command that lists them.
    const LISTED_BY: &'static str;
    /// The bank has them: where there is none, nothing was read yet.
    const OF_THE_BANK: bool = true;

    /// The bank's id.
    fn id(&self) -> &str;
    /// The person's name for it.
    fn name(&self) -> &str;
    /// Neither deleted nor closed.
    fn live(&self) -> bool;
}

impl Named for Account {
    const NOUN: &'static str = "account";
    const LISTED_BY: &'static str = "monzoctl accounts --hidden";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn live(&self) -> bool {
        !self.closed && self.pot_id.is_none()
    }
}

impl Named for Pot {
    const NOUN: &'static str = "pot";
    const LISTED_BY: &'static str = "monzoctl pots";

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn live(&self) -> bool {
        !self.deleted
    }
}

impl Named for Rule {
    const NOUN: &'static str = "rule";
    const LISTED_BY: &'static str = "monzoctl sort rules";
    const OF_THE_BANK: bool = false;

    fn id(&self) -> &str {
        &self.name
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn live(&self) -> bool {
        true
    }
}

/// How alike two words must be to be suggested (Jaro-Winkler, 0 to 1); taste.
const ALIKE: f64 = 0.75;

/// The only thing that `typed` can mean.
///
/// # Errors
/// A usage failure that suggests the nearest name, or lists what it could mean.
pub fn find<'a, T: Named>(typed: &str, among: &'a [T]) -> Result<&'a T, Failure> {
    let wanted = typed.trim();
    if let Some(exact) = among.iter().find(|thing| thing.id() == wanted) {
        return Ok(exact);
    }
    let folded = wanted.to_lowercase();
    let named: Vec<&T> = among.iter().filter(|thing| thing.name().to_lowercase() == folded).collect();
    let live: Vec<&T> = named.iter().copied().filter(|thing| thing.live()).collect();
    let prefixed: Vec<&T> =
        among.iter().filter(|thing| !wanted.is_empty() && thing.id().starts_with(wanted)).collect();
    for found in [&live, &named, &prefixed] {
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            several => return Err(ambiguous::<T>(typed, several)),
        }
    }
    if among.is_empty() && T::OF_THE_BANK {
        return Err(Failure::usage(
            format!("there is no {} ‘{typed}’: none is known yet", T::NOUN),
            "`monzoctl status` says what was read from the bank, and what is next",
        ));
    }
    Err(unknown::<T>(typed, nearest(&folded, among.iter().filter(|thing| thing.live()).map(Named::name))))
}

/// The name most like `folded`, if any is like it.
pub fn nearest<'a>(folded: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (strsim::jaro_winkler(folded, &name.to_lowercase()), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

fn ambiguous<T: Named>(typed: &str, found: &[&T]) -> Failure {
    let ids: Vec<String> = found.iter().map(|thing| format!("{} ({})", thing.id(), thing.name())).collect();
    Failure::usage(
        format!("‘{typed}’ is more than one {}", T::NOUN),
        format!("say which by its id: {}", ids.join(", ")),
    )
}

fn unknown<T: Named>(typed: &str, nearest: Option<&str>) -> Failure {
    let hint = match nearest {
        Some(name) => format!("did you mean ‘{name}’? Else look at `{}`", T::LISTED_BY),
        None => format!("look at `{}`", T::LISTED_BY),
    };
    Failure::usage(format!("there is no {} ‘{typed}’", T::NOUN), hint)
}

#[cfg(test)]
mod tests {
    use monzo_common::money::Currency;

    use super::*;

    fn pot(id: &str, name: &str, deleted: bool) -> Pot {
        Pot {
            id: id.into(),
            name: name.into(),
            account_id: "acc_1".into(),
            pot_current_id: None,
            kind: "default".into(),
            balance: 0,
            currency: Currency::GBP,
            goal: None,
            locked: false,
            deleted,
            unlisted_at: None,
            excluded: false,
            available_for_bills: false,
            needs_app: Vec::new(),
        }
    }

    fn check(typed: &str, expected: &str) {
        let pots = [
            pot("pot_0001", "Holiday", false),
            pot("pot_0002", "holiday", true),
            pot("pot_0103", "Bills", false),
            pot("pot_0104", "Twins", false),
            pot("pot_0105", "twins", false),
        ];
        let found = match find(typed, &pots) {
            Ok(pot) => pot.id.to_string(),
            Err(failure) => format!("{failure}; {}", failure.hint().unwrap_or_default()),
        };
        assert_eq!(found, expected, "{typed}");
    }

    #[test]
    fn a_thing_is_found_by_id_prefix_or_name() {
        check("pot_0103", "pot_0103");
        check("pot_0103 ", "pot_0103");
        check("bills", "pot_0103");
        check("pot_0001", "pot_0001");
    }

    #[test]
    fn a_live_thing_comes_before_a_deleted_one_of_the_same_name() {
        check("HOLIDAY", "pot_0001");
    }

    #[test]
    fn what_fits_several_is_refused_with_their_ids() {
        check(
            "twins",
            "‘twins’ is more than one pot; say which by its id: pot_0104 (Twins), pot_0105 (twins)",
        );
        check(
            "pot_00",
            "‘pot_00’ is more than one pot; say which by its id: pot_0001 (Holiday), pot_0002 (holiday)",
        );
    }

    #[test]
    fn what_fits_nothing_is_refused_with_the_nearest_name() {
        check("holidays", "there is no pot ‘holidays’; did you mean ‘Holiday’? Else look at `monzoctl pots`");
        check("xyz", "there is no pot ‘xyz’; look at `monzoctl pots`");
        check("", "there is no pot ‘’; look at `monzoctl pots`");
    }

    #[test]
    fn before_anything_was_read_nothing_is_sent_to_look_at_an_empty_list() {
        let failure = find::<Pot>("Bills", &[]).expect_err("there is none");
        assert_eq!(failure.to_string(), "there is no pot ‘Bills’: none is known yet");
        assert!(failure.hint().is_some_and(|hint| hint.starts_with("`monzoctl status`")), "{failure}");
        let failure = find::<Rule>("payday", &[]).expect_err("there is none");
        assert_eq!(
            failure.hint().as_deref(),
            Some("look at `monzoctl sort rules`"),
            "rules are the person's own"
        );
    }
}
