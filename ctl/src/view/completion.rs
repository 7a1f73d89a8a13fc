//! Completion scripts: words from the command line's types, names from the daemon.
//!
//! The generated script knows the words. Where a name is wanted, a few lines around it ask `monzoctl __complete`,
//! which the daemon answers; PowerShell and Elvish complete words only.

use clap::{Arg, Command, ValueEnum};
use clap_complete::Shell;

use crate::args::Names;

/// The script for a shell.
pub fn completion(shell: Shell, mut command: Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "monzoctl", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let mut places = Vec::new();
    collect(&command, &mut Vec::new(), &mut places);
    match shell {
        Shell::Bash => around(&script, &bash(&places)),
        Shell::Zsh => around(&script, &zsh(&places)),
        Shell::Fish => script + &fish(&places),
        _ => script,
    }
}

/// A place on the command line where a name goes.
struct AccountOrPot {
    /// The subcommands before it.
    path: Vec<String>,
    /// The option's spellings; none for a positional argument.
    options: Vec<String>,
    names: Names,
}

fn collect(command: &Command, path: &mut Vec<String>, places: &mut Vec<AccountOrPot>) {
    for argument in command.get_arguments() {
        let Some(names) = names(argument, path) else { continue };
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        places.push(AccountOrPot {
            path: path.clone(),
            options: short.into_iter().chain(long).collect(),
            names,
        });
    }
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        for name in std::iter::once(inner.get_name()).chain(inner.get_visible_aliases()) {
            path.push(name.to_owned());
            collect(inner, path, places);
            path.pop();
        }
    }
}

/// What an argument names, by what the help calls it.
fn names(argument: &Arg, path: &[String]) -> Option<Names> {
    let called = argument.get_value_names()?.first()?;
    match called.as_str() {
        "ACCOUNT" => Some(Names::Accounts),
        "POT" => Some(Names::Pots),
        "ACCOUNT|POT" | "FROM" | "TO" => Some(Names::Places),
        "ID|NAME" => Some(Names::Things),
        "RULE" => Some(Names::Rules),
        "RUN" if path.last().is_some_and(|last| last == "approve" || last == "reject") => {
            Some(Names::Proposals)
        }
        "RUN" => Some(Names::Runs),
        "RULE|RUN|POT|BILL" | "RULE|POT" => Some(Names::Subjects),
        "BILL" => Some(Names::Bills),
        "FILE|-|NAME" => Some(Names::Backups),
        "METHOD" => Some(Names::Methods),
        "ATTENTION" => Some(Names::Attention),
        "PERIOD" | "DAY" => Some(Names::Periods),
        "USER" if path.last().is_some_and(|last| last == "remove") => Some(Names::Grants),
        _ => None,
    }
}

/// What `__complete` calls it.
fn word(names: Names) -> String {
    names.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The script with its entry renamed, and another in its place that tries names first.
fn around(script: &str, entry: &str) -> String {
    let renamed = script.replacen("_monzoctl() {", "_monzoctl_words() {", 1);
    match renamed
        .find("\n(( $+functions[_monzoctl_commands]")
        .or_else(|| renamed.find("\nif [[ \"${BASH_VERSINFO"))
    {
        Some(end) => format!("{}\n{entry}{}", &renamed[..end], &renamed[end..]),
        None => renamed,
    }
}

/// The branches of a `case` that sets `kind`, for options by the word before and for arguments by the commands before.
fn branches(places: &[AccountOrPot]) -> (String, String) {
    let (mut options, mut arguments) = (String::new(), String::new());
    let mut seen = Vec::new();
    for place in places {
        let word = word(place.names);
        if place.options.is_empty() {
            arguments.push_str(&format!("        *\" {}\") kind={word} ;;\n", place.path.join(" ")));
        } else if !seen.contains(&&place.options) {
            seen.push(&place.options);
            options.push_str(&format!("        {}) kind={word} ;;\n", place.options.join("|")));
        }
    }
    (options, arguments)
}

fn bash(places: &[AccountOrPot]) -> String {
    let (options, arguments) = branches(places);
    format!(
        r#"_monzoctl() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" path="" kind="" name i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${{COMP_WORDS[i]}}" in -*) ;; *) path+=" ${{COMP_WORDS[i]}}" ;; esac
    done
    case "${{COMP_WORDS[COMP_CWORD-1]}}" in
{options}        *) case "$path" in
{arguments}        esac ;;
    esac
    if [[ -n "$kind" && "$cur" != -* ]]; then
        COMPREPLY=()
        cur="${{cur//[\\\"\']/}}"
        while IFS= read -r name; do
            [[ "${{name,,}}" == "${{cur,,}}"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
        done < <(monzoctl __complete "$kind" 2>/dev/null)
        [[ ${{#COMPREPLY[@]}} -gt 0 ]] && return 0
    fi
    _monzoctl_words "$@"
}}
"#
    )
}

fn zsh(places: &[AccountOrPot]) -> String {
    let (options, arguments) = branches(places);
    format!(
        r#"_monzoctl() {{
    local trail="" kind="" word
    for word in ${{words[2,CURRENT-1]}}; do
        [[ $word == -* ]] || trail+=" $word"
    done
    case "${{words[CURRENT-1]}}" in
{options}        *) case "$trail" in
{arguments}        esac ;;
    esac
    if [[ -n $kind && ${{words[CURRENT]}} != -* ]]; then
        local -a names
        names=("${{(@f)$(monzoctl __complete $kind 2>/dev/null)}}")
        compadd -M 'm:{{[:lower:][:upper:]}}={{[:upper:][:lower:]}}' -- ${{names:#}} && return 0
    fi
    _monzoctl_words "$@"
}}
"#
    )
}

fn fish(places: &[AccountOrPot]) -> String {
    places
        .iter()
        .map(|place| {
            let (first, rest) = place.path.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
            let mut condition = format!("__fish_monzoctl_using_subcommand {first}");
            for inner in rest {
                condition.push_str(&format!("; and __fish_seen_subcommand_from {inner}"));
            }
            let option = place.options.iter().map(|option| match option.strip_prefix("--") {
                Some(long) => format!(" -l {long}"),
                None => format!(" -s {}", option.trim_start_matches('-')),
            });
            format!(
                "complete -c monzoctl -n \"{condition}\"{} -a \"(monzoctl __complete {} 2>/dev/null)\"\n",
                option.collect::<String>(),
                word(place.names)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command as Process, Stdio};

    use super::*;
    use crate::args::visible;

    /// What bash offers for a line whose last word is being typed, with names from a stand-in for the program.
    fn offered(line: &[&str]) -> String {
        let words: Vec<String> = line.iter().map(|word| format!("'{word}'")).collect();
        let script = format!(
            "{}\nmonzoctl() {{ [ $1 = __complete ] && printf 'Rainy Day\\nBills ({{%s}})\\n' $2; }}\n\
             COMP_WORDS=(monzoctl {})\nCOMP_CWORD={}\n_monzoctl monzoctl \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            completion(Shell::Bash, visible()),
            words.join(" "),
            line.len()
        );
        let mut bash = Process::new("bash")
            .args(["--norc", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        bash.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("bash reads");
        let output = bash.wait_with_output().expect("bash ends");
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }

    #[test]
    fn bash_completes_names_where_names_go_and_words_elsewhere() {
        assert_eq!(offered(&["balance", "rai"]), "Rainy\\ Day\n");
        assert_eq!(offered(&["tx", "--account", ""]), "Rainy\\ Day\nBills\\ \\(\\{accounts\\}\\)\n");
        assert_eq!(offered(&["exclude", "add", "b"]), "Bills\\ \\(\\{places\\}\\)\n");
        assert_eq!(offered(&["access", "remove", "b"]), "Bills\\ \\(\\{grants\\}\\)\n");
        assert_eq!(offered(&["sort", "run", "b"]), "Bills\\ \\(\\{rules\\}\\)\n");
        assert_eq!(offered(&["sort", "approve", "b"]), "Bills\\ \\(\\{proposals\\}\\)\n");
        assert_eq!(offered(&["sort", "undo", "b"]), "Bills\\ \\(\\{runs\\}\\)\n");
        assert_eq!(offered(&["why", "b"]), "Bills\\ \\(\\{subjects\\}\\)\n");
        assert_eq!(offered(&["show", "b"]), "Bills\\ \\(\\{things\\}\\)\n");
        assert_eq!(offered(&["acc"]), "accounts\naccess\n");
        assert_eq!(offered(&["sync", "--no"]), "--no-wait\n--no-pager\n");
    }

    #[test]
    fn what_is_hidden_is_in_no_script_as_a_word() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let script = completion(shell, visible());
            assert!(
                script
                    .lines()
                    .all(|line| !line.contains("__complete") || line.contains("monzoctl __complete"))
            );
            let asks = matches!(shell, Shell::Bash | Shell::Zsh | Shell::Fish);
            assert_eq!(script.contains("monzoctl __complete"), asks, "{shell}");
        }
    }

    #[test]
    fn fish_asks_for_names_option_by_option() {
        let script = completion(Shell::Fish, visible());
        for line in [
            r#"complete -c monzoctl -n "__fish_monzoctl_using_subcommand tx" -l pot -a "(monzoctl __complete pots 2>/dev/null)""#,
            r#"complete -c monzoctl -n "__fish_monzoctl_using_subcommand exclude; and __fish_seen_subcommand_from add" -a "(monzoctl __complete places 2>/dev/null)""#,
        ] {
            assert!(script.lines().any(|found| found == line), "{line}");
        }
    }
}
