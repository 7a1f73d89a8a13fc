//! The columns of CSV, noun by noun: the names of the JSON in the order in which the model declares them.

/// Paths into an item's JSON.
pub type Columns = &'static [&'static str];

/// Accounts.
pub const ACCOUNT: Columns = &[
    "id",
    "name",
    "type",
    "currency",
    "closed",
    "excluded",
    "balance",
    "total_balance",
    "pot_id",
    "left_out",
];

/// Pots.
pub const POT: Columns = &[
    "id",
    "name",
    "account_id",
    "pot_current_id",
    "type",
    "balance",
    "currency",
    "goal",
    "locked",
    "deleted",
    "unlisted_at",
    "excluded",
    "available_for_bills",
    "needs_app",
];

/// Balances.
pub const BALANCE: Columns = &[
    "account_id",
    "pot_id",
    "name",
    "balance",
    "total_balance",
    "spend_today",
    "currency",
    "at",
    "known_from",
];

/// Points of a balance's history.
pub const POINT: Columns = &["account_id", "pot_id", "at", "balance", "currency"];

/// Bills, and income that recurs.
pub const BILL: Columns = &[
    "id",
    "name",
    "payee",
    "account_id",
    "pot_id",
    "category",
    "rhythm.every",
    "rhythm.count",
    "rhythm.day",
    "rhythm.months",
    "rhythm.adjust",
    "text",
    "next_on",
    "next_from",
    "next_to",
    "due",
    "estimate",
    "upper",
    "currency",
    "last.transaction_id",
    "last.on",
    "last.amount",
    "state",
    "covered",
    "cost_a_year",
    "price_changes",
    "instalments.paid",
    "instalments.of",
    "instalments.left",
    "confidence",
    "origin",
    "transaction_ids",
    "confirmed",
    "ignored",
    "evidence",
];

/// Transactions.
pub const TRANSACTION: Columns = match TRANSACTION_RAW {
    [all_but_raw @ .., _] => all_but_raw,
    [] => &[],
};

/// Transactions with the bank's JSON, which comes last.
pub const TRANSACTION_RAW: Columns = &[
    "account_id",
    "id",
    "created_at",
    "settled_at",
    "updated_at",
    "amount",
    "currency",
    "local_amount",
    "local_currency",
    "description",
    "merchant.id",
    "merchant.name",
    "merchant.emoji",
    "counterparty",
    "category",
    "categories",
    "notes",
    "tags",
    "scheme",
    "pot_id",
    "pending",
    "declined",
    "decline_reason",
    "withdrawn_at",
    "raw",
];

/// Syncs.
pub const SYNC: Columns = &["id", "state", "cause", "started_at", "ended_at", "accounts", "error", "code"];

/// Events.
pub const EVENT: Columns =
    &["id", "at", "kind", "severity", "message", "account_id", "pot_id", "transaction_id", "sync_id"];

/// Exclusions.
pub const EXCLUSION: Columns = &["kind", "id", "name", "origin"];

/// What became of notifications.
pub const DELIVERY: Columns = &["channel", "state", "error"];

/// Grants of the access list.
pub const GRANT: Columns = &["who", "role", "origin"];

/// Backups.
pub const BACKUP: Columns = &["name", "at", "size", "cause", "with_login"];

/// Keys of the configuration.
pub const ENTRY: Columns = &["key", "value", "origin"];

/// Methods of the daemon.
pub const METHOD: Columns = &["name", "role", "params", "summary"];

/// Rules.
pub const RULE: Columns = &[
    "name", "mode", "enabled", "frozen", "trigger", "source", "next_at", "left", "last_at", "result",
    "problems", "origin",
];

/// Runs.
pub const RUN: Columns = &[
    "id",
    "rule",
    "cause",
    "occurrence",
    "state",
    "reason",
    "plan_hash",
    "created_at",
    "expires_at",
    "started_at",
    "ended_at",
    "undoes",
    "transfers",
    "plan",
];

/// Transfers.
pub const TRANSFER: Columns = &[
    "run_id",
    "place",
    "kind",
    "pot_id",
    "account_id",
    "amount",
    "currency",
    "state",
    "dedupe_id",
    "requested_at",
    "confirmed_at",
    "reconciled_at",
    "transaction_id",
    "error",
];

/// Lines of spending and income.
pub const FIGURE: Columns =
    &["key", "name", "period", "amount", "count", "provisional", "previous", "children"];

/// Lines of a cash flow.
pub const CASHFLOW: Columns = &[
    "account_id",
    "pot_id",
    "name",
    "period",
    "opening",
    "income",
    "spending",
    "transfers",
    "left_out",
    "unexplained",
    "closing",
];

/// Pay calendars.
pub const CALENDAR: Columns = &["name", "origin", "rhythm", "next", "toml"];
