//! Seals what belongs to the login, so that the database alone gives nobody access to the bank.
//!
//! XChaCha20-Poly1305 with a random nonce; what a value is for is authenticated with it, so that one cannot be put
//! in another's place. The key comes from a credential, or is made once and kept beside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// Bytes of a key.
const KEY: usize = 32;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// The key's file in the state directory.
const FILE: &str = "seal.key";

/// Why nothing can be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There are sealed values and no key.
    #[error("the seal key is lost: the database holds a sealed login, but {} is not there", .0.display())]
    Lost(PathBuf),
    /// The key does not open what was sealed.
    #[error("the seal key is not the one that sealed the login in this database")]
    Wrong,
    /// The key is not one.
    #[error("the seal key from {0} is damaged: it must be 32 bytes in base64 or hex")]
    Malformed(String),
    /// The key's file cannot be used.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("the seal key {} can be read by others", .0.display())]
    Exposed(PathBuf),
    /// The system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
}

impl SealError {
    /// What mends it: the key, because a restored database would meet the same one.
    pub fn hint(&self) -> String {
        let again = "the daemon looks again each minute";
        match self {
            Self::Lost(path) => format!(
                "put the key back as {}, {again}; if there is no copy of it: `monzoctl restore NAME` with a backup, \
                 then `monzoctl login`",
                path.display()
            ),
            Self::Wrong | Self::Malformed(_) => format!(
                "put the right key back (seal.key in the state directory, or the credential seal-key), {again}; if \
                 there is no copy of it, move the bad one to another place"
            ),
            Self::Exposed(path) => {
                format!("`sudo chmod 600 {}`, and think about who may have read it; {again}", path.display())
            }
            Self::File { path, .. } => format!("let the daemon read {}; {again}", path.display()),
            Self::Random(_) => "restart the machine".to_owned(),
        }
    }
}

/// Whether a key was made in this directory.
pub fn kept(directory: &Path) -> bool {
    directory.join(FILE).exists()
}

/// Seals and opens.
pub struct Seal(SecretBox<[u8; KEY]>);

impl Seal {
    /// The key that was given, else the one in `directory`, else a new one, unless something is `sealed` already.
    ///
    /// # Errors
    /// [`SealError`]; an existing key is never replaced.
    pub fn find(
        given: Option<(SecretString, String)>,
        directory: &Path,
        sealed: bool,
    ) -> Result<Self, SealError> {
        if let Some((text, origin)) = given {
            return Self::parse(text.expose_secret()).ok_or(SealError::Malformed(origin));
        }
        let path = directory.join(FILE);
        let failed = |source| SealError::File { path: path.clone(), source };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let text = SecretString::from(text);
                let mode = fs::metadata(&path).map_err(failed)?.mode();
                if mode & 0o077 != 0 {
                    return Err(SealError::Exposed(path));
                }
                Self::parse(text.expose_secret())
                    .ok_or_else(|| SealError::Malformed(path.display().to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && sealed => Err(SealError::Lost(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(failed(error)),
        }
    }

    fn make(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::File { path: path.to_owned(), source };
        let mut key = SecretBox::new(Box::new([0_u8; KEY]));
        getrandom::fill(secrecy::ExposeSecretMut::expose_secret_mut(&mut key)).map_err(SealError::Random)?;
        let text = SecretString::from(format!("{}\n", STANDARD.encode(key.expose_secret())));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(text.expose_secret().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        if let Some(directory) = path.parent() {
            fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        }
        Ok(Self(key))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = || {
            let digits = text.as_bytes().chunks_exact(2);
            (text.len() == KEY * 2 && text.is_ascii())
                .then(|| {
                    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
                })
                .flatten()
        };
        let bytes: Vec<u8> = hex().or_else(|| STANDARD.decode(text).ok())?;
        Some(Self(SecretBox::new(Box::new(bytes.try_into().ok()?))))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(self.0.expose_secret()))
    }

    /// Seals a value for one purpose.
    pub fn seal(&self, purpose: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(SealError::Random)?;
        let aad = aad(purpose);
        let payload = Payload { msg: value, aad: aad.as_bytes() };
        let mut sealed = nonce.to_vec();
        // The cipher fails only for values of more than 256 GB.
        sealed.extend(
            self.cipher().encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| SealError::Wrong)?,
        );
        Ok(sealed)
    }

    /// Opens a value that was sealed for this purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<SecretBox<Vec<u8>>, SealError> {
        let (nonce, value) = sealed.split_at_checked(NONCE).ok_or(SealError::Wrong)?;
        let aad = aad(purpose);
        let payload = Payload { msg: value, aad: aad.as_bytes() };
        let opened =
            self.cipher().decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::Wrong)?;
        Ok(SecretBox::new(Box::new(opened)))
    }
}

fn aad(purpose: &str) -> String {
    format!("monzod/1/{purpose}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(text: &str) -> Seal {
        Seal::parse(text).expect("a key")
    }

    #[test]
    fn a_value_opens_only_with_its_key_and_for_its_purpose() {
        let one = seal(&"ab".repeat(32));
        let other = seal(&STANDARD.encode([7_u8; 32]));
        let sealed = one.seal("tokens", b"secret").expect("it seals");
        assert_eq!(one.open("tokens", &sealed).expect("it opens").expose_secret(), b"secret");
        assert!(matches!(one.open("client", &sealed), Err(SealError::Wrong)));
        assert!(matches!(other.open("tokens", &sealed), Err(SealError::Wrong)));
        assert!(matches!(one.open("tokens", &sealed[..10]), Err(SealError::Wrong)));
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_key_is_made_once_and_never_over_sealed_values() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(matches!(Seal::find(None, directory.path(), true), Err(SealError::Lost(_))));
        let made = Seal::find(None, directory.path(), false).expect("a key");
        let again = Seal::find(None, directory.path(), true).expect("a key");
        let sealed = made.seal("check", b"x").expect("it seals");
        assert!(again.open("check", &sealed).is_ok());
        let mode = fs::metadata(directory.path().join(FILE)).expect("a file").mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "short", &"zz".repeat(32), &"ab".repeat(31)] {
            let given = Some((SecretString::from(text), "test".to_owned()));
            let found = Seal::find(given, Path::new("/nowhere"), false);
            assert!(matches!(found, Err(SealError::Malformed(_))), "{text}");
        }
    }
}
