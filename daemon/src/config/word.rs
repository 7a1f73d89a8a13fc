//! The words that a key may have, where only a few mean something.

use toml::de::DeValue;

use super::{
    error::not_one_of,
    value::{Setting, quoted, text},
};

/// Declares a closed list of words a key may have.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Returns the word used in the configuration.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl Setting for $name {
            fn read(value: &DeValue<'_>) -> Result<Self, String> {
                const WORDS: &[&str] = &[$($word),+];
                match text(value, "a word in quotes")? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(not_one_of(other, WORDS)),
                }
            }
            fn print(&self) -> String {
                quoted(self.as_str())
            }
        }
    };
}

words! {
    /// Where the present comes from.
    ClockSource {
        /// The host's clock.
        System = "system",
        /// The bank's `Date` headers; only with a bank on this machine.
        Bank = "bank",
    }
}

words! {
    /// A type of account at the bank that can be synced.
    AccountKind {
        /// A person's current account.
        Personal = "uk_retail",
        /// A joint account.
        Joint = "uk_retail_joint",
        /// A business account.
        Business = "uk_business",
        /// Monzo Flex.
        Flex = "uk_monzo_flex",
    }
}

/// Which accounts to sync: those of a type, or one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncedAccount {
    /// All of a type.
    Kind(AccountKind),
    /// The one with this id, of whatever type.
    Id(String),
}

impl SyncedAccount {
    /// Returns the type or the id, as it is written in the configuration.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.as_str(),
            Self::Id(id) => id,
        }
    }
}

impl Setting for SyncedAccount {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value, "a type of account or an account's id in quotes")? {
            id if id.starts_with("acc_") => Ok(Self::Id(id.to_owned())),
            _ => AccountKind::read(value).map(Self::Kind),
        }
    }
    fn print(&self) -> String {
        quoted(self.as_str())
    }
}

words! {
    /// A kind of news.
    Topic {
        /// Something needs the person.
        Attention = "attention",
        /// A run waits for the person, or ended.
        Run = "run",
        /// What they were told of is over.
        Recovered = "recovered",
    }
}

words! {
    /// How often everything the bank still serves is read again for late edits.
    Sweep {
        /// Every day.
        Daily = "daily",
        /// Every seven days.
        Weekly = "weekly",
        /// Every thirty days.
        Monthly = "monthly",
        /// Never.
        Off = "off",
    }
}

impl Sweep {
    /// Returns the days between two sweeps; `None` for never.
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Daily => Some(1),
            Self::Weekly => Some(7),
            Self::Monthly => Some(30),
            Self::Off => None,
        }
    }
}

words! {
    /// The least important messages that are logged.
    LogLevel {
        /// A person must act.
        Error = "error",
        /// It will be retried.
        Warn = "warn",
        /// Facts changed.
        Info = "info",
        /// Everything else.
        Debug = "debug",
        /// Everything. The libraries stay at `warn` at every level: they would log headers and bodies.
        Trace = "trace",
    }
}

words! {
    /// Where and how messages are logged.
    LogFormat {
        /// The journal when standard error is connected to it, else text.
        Auto = "auto",
        /// The journal, with structured fields.
        Journal = "journal",
        /// Readable lines on standard error.
        Text = "text",
        /// One JSON object a line on standard error.
        Json = "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<LogLevel, String> {
        Setting::read(DeValue::parse(toml).expect("valid TOML").get_ref())
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_nearest() {
        assert_eq!(read("\"debug\""), Ok(LogLevel::Debug));
        let refusal = read("\"wran\"").expect_err("no such level");
        assert_eq!(refusal, "expected one of error, warn, info, debug, trace; did you mean \"warn\"?");
    }
}
