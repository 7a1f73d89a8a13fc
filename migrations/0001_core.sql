-- Money is INTEGER minor units beside a currency; times are INTEGER milliseconds since 1970, UTC;
-- ids are TEXT as the bank gives them; `raw` is the bank's JSON, deflated.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Listed accounts, and the hidden ones behind pots (those have a pot_id).
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    owners TEXT NOT NULL DEFAULT '[]',
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    created_at INTEGER,
    pot_id TEXT UNIQUE,
    first_seen_at INTEGER NOT NULL,
    read_at INTEGER,
    error TEXT,
    anchor_at INTEGER,
    anchor_balance INTEGER,
    difference INTEGER,
    told_difference INTEGER,
    raw BLOB
) STRICT;

CREATE TABLE pots (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    balance INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    goal INTEGER,
    locked INTEGER NOT NULL CHECK (locked IN (0, 1)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    available_for_bills INTEGER NOT NULL CHECK (available_for_bills IN (0, 1)),
    has_virtual_cards INTEGER NOT NULL CHECK (has_virtual_cards IN (0, 1)),
    created_at INTEGER,
    read_at INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

-- Which hidden account is behind which pot: learnt from one transaction, true for ever.
CREATE TABLE pot_links (
    pot_id TEXT PRIMARY KEY,
    pot_current_id TEXT NOT NULL UNIQUE,
    found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE merchants (
    id TEXT PRIMARY KEY,
    group_id TEXT,
    name TEXT NOT NULL,
    emoji TEXT,
    category TEXT,
    logo TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE transactions (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    updated_at INTEGER,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    local_amount INTEGER NOT NULL,
    local_currency TEXT NOT NULL CHECK (length(local_currency) = 3),
    description TEXT NOT NULL,
    notes TEXT NOT NULL,
    category TEXT NOT NULL,
    categories TEXT NOT NULL DEFAULT '{}',
    merchant_id TEXT REFERENCES merchants (id),
    counterparty TEXT,
    scheme TEXT NOT NULL,
    amount_is_pending INTEGER NOT NULL CHECK (amount_is_pending IN (0, 1)),
    decline_reason TEXT,
    pot_id TEXT,
    external_id TEXT,
    trigger TEXT,
    bills_pot_id TEXT,
    withdrawn_at INTEGER,
    first_seen_at INTEGER NOT NULL,
    raw BLOB NOT NULL,
    PRIMARY KEY (account_id, id)
) STRICT;

CREATE INDEX transactions_by_time ON transactions (created_at, id);
CREATE INDEX transactions_of_account_by_time ON transactions (account_id, created_at, id);
-- What counts towards a balance, so that a sum touches no row.
CREATE INDEX transactions_counted ON transactions (account_id, created_at, amount, decline_reason, withdrawn_at)
    WHERE decline_reason IS NULL AND withdrawn_at IS NULL;
CREATE INDEX transactions_unsettled ON transactions (account_id, created_at)
    WHERE settled_at IS NULL AND decline_reason IS NULL AND withdrawn_at IS NULL;
CREATE INDEX transactions_by_id ON transactions (id);
CREATE INDEX transactions_of_pot ON transactions (pot_id, created_at) WHERE pot_id IS NOT NULL;

-- What a row was before it changed: `before` is a JSON object of the changed columns.
CREATE TABLE revisions (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    sync_id TEXT,
    before TEXT NOT NULL,
    FOREIGN KEY (account_id, id) REFERENCES transactions (account_id, id)
) STRICT;

CREATE INDEX revisions_of_transaction ON revisions (account_id, id);

-- `pot_id` is empty for an account's own balance.
CREATE TABLE balances (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    pot_id TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    total_balance INTEGER,
    spend_today INTEGER,
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    PRIMARY KEY (account_id, pot_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE sync_windows (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    since INTEGER NOT NULL,
    before INTEGER NOT NULL CHECK (since < before),
    cursor_id TEXT,
    cursor_at INTEGER,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'refused'))
) STRICT;

CREATE INDEX sync_windows_of_account ON sync_windows (account_id, since);

CREATE TABLE syncs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'partial', 'failed', 'cancelled')),
    cause TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    error TEXT,
    code TEXT
) STRICT;

CREATE TABLE sync_accounts (
    sync_id TEXT NOT NULL REFERENCES syncs (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    pages INTEGER NOT NULL,
    added INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    error TEXT,
    code TEXT,
    PRIMARY KEY (sync_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    account_id TEXT NOT NULL,
    transaction_id TEXT,
    digest BLOB NOT NULL,
    reason TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    raw BLOB NOT NULL,
    UNIQUE (account_id, digest)
) STRICT;

-- Sealed values, and what belongs to the login; backups leave this table empty unless told otherwise.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE exclusions (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('account', 'pot')),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Names that a person wrote, bound to what they meant first, so that a rename in the app changes nothing.
CREATE TABLE names (
    name TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL CHECK (kind IN ('account', 'pot')),
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (name, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
    who TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator')),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('note', 'problem')),
    message TEXT NOT NULL,
    account_id TEXT,
    pot_id TEXT,
    transaction_id TEXT,
    sync_id TEXT
) STRICT;

CREATE TABLE acks (
    id TEXT PRIMARY KEY,
    until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    pid INTEGER,
    method TEXT NOT NULL,
    outcome TEXT NOT NULL
) STRICT;
