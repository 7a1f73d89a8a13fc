//! Secrets from outside: systemd's credentials, else the environment.
//!
//! What is found here comes before what `monzoctl setup` sealed in the database. No error repeats a secret.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use monzo_common::paths::Env;
use secrecy::SecretString;

/// The most bytes a secret has (taste: the longest known, a seal key, has less than a hundred).
const MAX_BYTES: u64 = 4_096;

/// A secret that may be given from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The OAuth client's secret.
    ClientSecret,
    /// The key that seals tokens in the database.
    SealKey,
}

impl Credential {
    /// Returns the name of systemd's credential.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSecret => "client-secret",
            Self::SealKey => "seal-key",
        }
    }

    /// Returns the environment variable.
    pub fn variable(self) -> &'static str {
        match self {
            Self::ClientSecret => "MONZOD_CLIENT_SECRET",
            Self::SealKey => "MONZOD_SEAL_KEY",
        }
    }
}

/// A secret and where it comes from.
#[derive(Debug)]
pub struct Found {
    /// The secret, without a final line break.
    pub value: SecretString,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file in the credentials directory.
    Credential(PathBuf),
    /// An environment variable.
    Environment(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(path) => write!(f, "credential {}", path.display()),
            Self::Environment(variable) => write!(f, "environment variable {variable}"),
        }
    }
}

/// Why a secret that was given cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others on this machine can read the file.
    #[error("{} can be read by others (mode {mode:04o}); run `chmod 600` on it, and think of the secret as known", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no text of one line.
    #[error("the {origin} must hold one line of text, at most {MAX_BYTES} bytes")]
    Malformed {
        /// Where it comes from.
        origin: Origin,
    },
}

/// Finds a secret: in `$CREDENTIALS_DIRECTORY`, else in the environment; `None` if it is in neither.
pub fn find(credential: Credential, env: Env<'_>) -> Result<Option<Found>, CredentialError> {
    if let Some(directory) = env("CREDENTIALS_DIRECTORY").filter(|value| !value.is_empty()) {
        let path = Path::new(&directory).join(credential.name());
        if let Some(text) = read(&path)? {
            return found(text, Origin::Credential(path)).map(Some);
        }
    }
    let variable = credential.variable();
    let given = env(variable).filter(|value| !value.is_empty());
    given.map(|text| found(text.into_bytes(), Origin::Environment(variable))).transpose()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable { path: path.to_path_buf(), source };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(unreadable)?,
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 && !made_by_systemd(path) {
        return Err(CredentialError::Exposed { path: path.to_path_buf(), mode });
    }
    if metadata.len() > MAX_BYTES {
        return Err(CredentialError::Malformed { origin: Origin::Credential(path.to_path_buf()) });
    }
    fs::read(path).map(Some).map_err(unreadable)
}

/// systemd guards its own directories, and gives access by ACLs, which show as bits of the group.
fn made_by_systemd(path: &Path) -> bool {
    path.starts_with("/run/credentials")
        || (path.starts_with("/run/user") && path.iter().any(|part| part == "credentials"))
}

fn found(bytes: Vec<u8>, origin: Origin) -> Result<Found, CredentialError> {
    let text = String::from_utf8(bytes).ok();
    let line = text.as_deref().map(|text| text.trim_end_matches(['\n', '\r']));
    match line.filter(|line| !line.is_empty() && !line.chars().any(char::is_control)) {
        Some(line) => Ok(Found { value: line.into(), origin }),
        None => Err(CredentialError::Malformed { origin }),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn write(dir: &Path, text: &[u8], mode: u32) {
        let path = dir.join("client-secret");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    }

    fn look(dir: Option<&Path>, variable: Option<&str>) -> Result<Option<Found>, CredentialError> {
        find(Credential::ClientSecret, &|name: &str| match name {
            "CREDENTIALS_DIRECTORY" => dir.map(|dir| dir.display().to_string()),
            "MONZOD_CLIENT_SECRET" => variable.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn a_credential_comes_before_the_environment() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("client-secret");
        let found = look(Some(dir.path()), Some("from-env")).expect("fine").expect("found");
        assert_eq!(found.value.expose_secret(), "from-env", "no such credential");
        write(dir.path(), b"from-file\n", 0o400);
        let found = look(Some(dir.path()), Some("from-env")).expect("fine").expect("found");
        assert_eq!((found.value.expose_secret(), found.origin), ("from-file", Origin::Credential(path)));
        assert!(look(None, None).expect("fine").is_none());
        assert!(look(None, Some("")).expect("fine").is_none());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        for mode in [0o640, 0o604, 0o660] {
            write(dir.path(), b"hunter2", mode);
            let error = look(Some(dir.path()), None).expect_err("exposed").to_string();
            assert!(error.contains("chmod 600") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn systemds_own_files_are_trusted_with_their_acls() {
        assert!(made_by_systemd(Path::new("/run/credentials/monzod.service/seal-key")));
        assert!(made_by_systemd(Path::new("/run/user/1000/credentials/monzod.service/seal-key")));
        assert!(!made_by_systemd(Path::new("/etc/monzod/credentials/seal-key")));
    }

    #[test]
    fn a_secret_is_one_line_of_text_and_never_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        for wrong in [b"".as_slice(), b"\n", b"a\nhunter2", b"\xff\xfe", &[b'x'; 5_000]] {
            write(dir.path(), wrong, 0o600);
            let error = look(Some(dir.path()), None).expect_err("malformed").to_string();
            assert!(error.contains("one line of text") && !error.contains("hunter2"), "{error}");
        }
        let found = look(None, Some("hunter2")).expect("fine").expect("found");
        assert!(!format!("{found:?} {}", found.origin).contains("hunter2"));
    }
}
