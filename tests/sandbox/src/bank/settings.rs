//! What a bank is like: fixed when it is founded, or switched while it runs.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The OAuth client that is registered, unless another is.
pub const CLIENT_ID: &str = "oauth2client_0000SandboxClient0001";

/// Its secret.
pub const CLIENT_SECRET: &str = "mnzconf.sandbox-secret";

/// How a bank is founded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Everything random comes from it.
    pub seed: u64,
    /// The instant at which the history ends.
    pub now: Timestamp,
    /// How long the history is.
    pub years: u32,
    /// How many lines the history has, at least; as many as come by themselves, if nothing.
    pub rows: Option<usize>,
    /// One account, a pot and a few lines, instead of a history.
    pub tiny: bool,
    /// New days bring new lines as the clock moves on; otherwise only what has begun comes to its end.
    pub lively: bool,
    /// The OAuth client's id.
    pub client_id: String,
    /// The OAuth client's secret.
    pub client_secret: String,
    /// Addresses that a sign-in may lead back to; any, if empty.
    pub redirect_urls: Vec<String>,
    /// An access token lives this long (monzo/README.md, Clients and sign-in).
    pub token_life: Duration,
    /// The person approves in the app so long after signing in; never by itself, if nothing.
    pub approve_after: Option<Duration>,
    /// Every answer takes this long.
    pub latency: Duration,
}

impl Settings {
    /// Three years of history that end at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            seed: 1,
            now,
            years: 3,
            rows: None,
            tiny: false,
            lively: false,
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            redirect_urls: Vec::new(),
            token_life: Duration::from_secs(108_000),
            approve_after: None,
            latency: Duration::ZERO,
        }
    }

    /// The least that is worth reading.
    pub fn minimal(now: Timestamp) -> Self {
        Self { tiny: true, ..Self::new(now) }
    }
}

/// What the bank says when the ninety days are over: three variants are reported
/// (monzo/README.md, Ninety days of consent).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// Data calls answer 403 `insufficient_permissions`.
    #[default]
    Permissions,
    /// Data calls answer 403 `verification_required`.
    Verification,
    /// Refreshing is refused.
    Refresh,
}

/// What `/ping/whoami` says before approval (monzo/README.md, Approval in the app).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whoami {
    /// That the token is good.
    #[default]
    Authenticated,
    /// That it is not, with 200.
    Unauthenticated,
    /// 403 `verification_required`.
    Forbidden,
}

/// How a refused refresh is put (monzo/README.md, Refreshing a token).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalStyle {
    /// 401 with a code.
    #[default]
    Code,
    /// 400 with OAuth's keys only.
    Oauth,
}

/// What is known of the real bank in more than one variant, and can be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// New lines are listed so much later than the balance shows them.
    pub visibility_lag_ms: u64,
    /// Purchases with a pot's virtual card are listed in its hidden account.
    pub virtual_cards_listed: bool,
    /// Objects carry keys that nobody has heard of.
    pub unknown_fields: bool,
    /// One record of each list cannot be understood.
    pub malformed_record: bool,
    /// Texts are cut in the middle of an emoji.
    pub half_characters: bool,
    /// The next refresh is done, and its answer lost.
    pub refresh_answer_lost: bool,
    /// A refresh with an `Authorization` header is refused unless that token is good.
    pub refresh_minds_bearer: bool,
    /// Every page that continues after an id is empty.
    pub false_empty_page: bool,
    /// Lines on a page at most, whatever is asked for.
    pub largest_page: u64,
    /// Closed accounts answer with this status, 403 or 404, instead of being read; 0 reads them.
    pub closed_refused: u16,
    /// What the list says the joint account's type is; with the empty text it says none.
    pub joint_type: Option<String>,
    /// The `Date` header is so far ahead of the clock that dates the lines.
    pub date_ahead_ms: i64,
    /// A limit above 100 is refused instead of lowered.
    pub strict_limit: bool,
    /// A key used again with another amount is refused instead of answered.
    pub strict_dedupe: bool,
    /// A key used again meets what there is to move before it meets its own memory.
    pub funds_first: bool,
    /// Pots with added security refuse with 400 instead of 403.
    pub added_security_400: bool,
    /// An access token that is bad is refused with 400 `invalid_token` instead of 401.
    pub bad_token_400: bool,
    /// Webhooks are told everything twice.
    pub webhook_duplicates: bool,
    /// Webhooks are told the latest first.
    pub webhook_disorder: bool,
    /// What is said when the consent has ended.
    pub lapse: Lapse,
    /// What `/ping/whoami` says before approval.
    pub whoami: Whoami,
    /// How a refused refresh is put.
    pub refusal_style: RefusalStyle,
    /// New days bring new lines as the clock moves on.
    pub lively: bool,
    /// On payday the person fills the pots by hand.
    pub by_hand: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            visibility_lag_ms: 0,
            virtual_cards_listed: true,
            unknown_fields: false,
            malformed_record: false,
            half_characters: false,
            refresh_answer_lost: false,
            refresh_minds_bearer: true,
            false_empty_page: false,
            largest_page: 100,
            closed_refused: 0,
            joint_type: None,
            date_ahead_ms: 0,
            strict_limit: false,
            strict_dedupe: false,
            funds_first: false,
            added_security_400: false,
            bad_token_400: false,
            webhook_duplicates: false,
            webhook_disorder: false,
            lapse: Lapse::default(),
            whoami: Whoami::default(),
            refusal_style: RefusalStyle::default(),
            lively: false,
            by_hand: true,
        }
    }
}
