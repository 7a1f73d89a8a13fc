//! Slips at the keyboard: the parser's words in the shape of every other error, with the command that was meant.

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};
use monzo_common::shell;

use crate::args::Cli;
use crate::failure::Failure;

/// What may be mistyped, and what the parser offers for it.
const OFFERS: &[(ContextKind, ContextKind)] = &[
    (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
    (ContextKind::InvalidArg, ContextKind::SuggestedArg),
    (ContextKind::InvalidValue, ContextKind::SuggestedValue),
];

/// How much of a word may be mistyped: one letter in so many. Taste; `report` must not become `restore`.
const ONE_IN: usize = 3;

/// What was typed wrongly, and the whole command that was meant, or where its help is.
pub(crate) fn usage(error: &clap::Error, args: &[String]) -> Failure {
    let text = error.render().to_string();
    let wrong = text.split("\n\n").next().unwrap_or_default();
    let wrong = wrong.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let hint = match meant(error, args) {
        Some(command) => format!("did you mean `{command}`?"),
        None => format!("`{} --help`", path(args)),
    };
    Failure::usage(wrong.trim_start_matches("error: "), hint)
}

/// The command line with the slip put right.
fn meant(error: &clap::Error, args: &[String]) -> Option<String> {
    let (typed, offered) = OFFERS.iter().find_map(|(typed, offered)| {
        let (ContextValue::String(typed), offered) = (error.get(*typed)?, error.get(*offered)?) else {
            return None;
        };
        let offered = match offered {
            ContextValue::String(one) => vec![one.as_str()],
            ContextValue::Strings(several) => several.iter().map(String::as_str).collect(),
            _ => return None,
        };
        Some((typed.as_str(), offered))
    })?;
    let nearest = offered.into_iter().filter(|offered| alike(typed, offered));
    let nearest = nearest.min_by_key(|offered| strsim::osa_distance(typed, offered))?;
    let at = args.iter().skip(1).position(|arg| arg == typed || arg.starts_with(&format!("{typed}=")))? + 1;
    let words = args.iter().enumerate().skip(1).map(|(index, arg)| match index == at {
        true => format!("{nearest}{}", &arg[typed.len()..]),
        false => shell::word(arg),
    });
    Some(std::iter::once("monzoctl".to_owned()).chain(words).collect::<Vec<_>>().join(" "))
}

/// Few letters differ, or one is the other's beginning.
fn alike(typed: &str, offered: &str) -> bool {
    let longest = typed.chars().count().max(offered.chars().count());
    let begins = typed.chars().count() >= ONE_IN && offered.starts_with(typed);
    begins || strsim::osa_distance(typed, offered) * ONE_IN <= longest
}

/// The commands among the arguments: `monzoctl sort run`.
fn path(args: &[String]) -> String {
    let mut command = Cli::command();
    let mut path = "monzoctl".to_owned();
    for arg in args.iter().skip(1) {
        if let Some(found) = command.find_subcommand(arg).cloned() {
            path = format!("{path} {arg}");
            command = found;
        }
    }
    path
}
