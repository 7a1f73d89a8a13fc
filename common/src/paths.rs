//! Where things are: pure answers from the environment's values, the same for both programs.

use std::path::{Path, PathBuf};

/// Looks up an environment variable; empty values count as absent.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The socket's name inside a runtime directory.
const SOCKET: &str = "monzod.sock";

/// The system-wide configuration file.
pub const SYSTEM_CONFIG: &str = "/etc/monzod/monzod.toml";

/// The socket of the system-wide daemon.
pub const SYSTEM_SOCKET: &str = "/run/monzod/monzod.sock";

/// The state directory: `$STATE_DIRECTORY`, else `$XDG_STATE_HOME/monzod`, else `~/.local/state/monzod`.
pub fn state_directory(env: Env<'_>) -> Option<PathBuf> {
    // systemd separates several with colons; the first is ours.
    let from_systemd = env("STATE_DIRECTORY").and_then(|list| list.split(':').next().map(PathBuf::from));
    from_systemd
        .or_else(|| env("XDG_STATE_HOME").map(|home| Path::new(&home).join("monzod")))
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".local/state/monzod")))
}

/// The person's own configuration file, used where there is no system-wide one.
pub fn user_config(env: Env<'_>) -> Option<PathBuf> {
    env("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".config")))
        .map(|home| home.join("monzod/monzod.toml"))
}

/// Where the daemon makes its socket when neither systemd nor the configuration says where.
pub fn daemon_socket(env: Env<'_>) -> Option<PathBuf> {
    let from_systemd = env("RUNTIME_DIRECTORY").and_then(|list| list.split(':').next().map(PathBuf::from));
    from_systemd
        .map(|directory| directory.join(SOCKET))
        .or_else(|| env("XDG_RUNTIME_DIR").map(|home| Path::new(&home).join("monzod").join(SOCKET)))
}

/// Where the client looks for the daemon, in order; one that is named is the only one.
pub fn client_sockets(named: Option<PathBuf>, env: Env<'_>) -> Vec<PathBuf> {
    if let Some(named) = named.or_else(|| env("MONZOD_SOCKET").map(PathBuf::from)) {
        return vec![named];
    }
    let own = env("XDG_RUNTIME_DIR").map(|home| Path::new(&home).join("monzod").join(SOCKET));
    own.into_iter().chain([PathBuf::from(SYSTEM_SOCKET)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_state_directory_is_the_first_that_is_given() {
        let check = |pairs: &[(&str, &str)], expected: Option<&str>| {
            assert_eq!(state_directory(&env(pairs)), expected.map(PathBuf::from), "{pairs:?}");
        };
        check(
            &[("STATE_DIRECTORY", "/var/lib/monzod:/var/lib/other"), ("HOME", "/h")],
            Some("/var/lib/monzod"),
        );
        check(&[("XDG_STATE_HOME", "/s"), ("HOME", "/h")], Some("/s/monzod"));
        check(&[("HOME", "/h")], Some("/h/.local/state/monzod"));
        check(&[], None);
    }

    #[test]
    fn a_named_socket_is_the_only_one() {
        let pairs = [("MONZOD_SOCKET", "/m"), ("XDG_RUNTIME_DIR", "/x")];
        assert_eq!(client_sockets(None, &env(&pairs)), [PathBuf::from("/m")]);
        assert_eq!(client_sockets(Some("/n".into()), &env(&pairs)), [PathBuf::from("/n")]);
        let found = client_sockets(None, &env(&pairs[1..]));
        assert_eq!(found, [PathBuf::from("/x/monzod/monzod.sock"), PathBuf::from(SYSTEM_SOCKET)]);
    }
}
