-- The autosorter: rules as they were accepted, the occasions on which they fire, runs, and every transfer of a run.
-- Nothing about a run is ever deleted, and no state is reached but by a legal step: the database itself sees to both.

-- A rule's name as it was first accepted. `proven_hash` is the text whose first run a person let go.
CREATE TABLE rules (
    name TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    text_hash TEXT NOT NULL,
    proven_hash TEXT,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

-- An occasion on which a rule fires. `credit` is the minor units of the payment that fired it.
CREATE TABLE occurrences (
    rule TEXT NOT NULL,
    key TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    ends_at INTEGER,
    credit INTEGER,
    transaction_id TEXT,
    only_proposed INTEGER NOT NULL DEFAULT 0 CHECK (only_proposed IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('open', 'used', 'missed', 'over')),
    reason TEXT,
    run_id TEXT,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (rule, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('occurrence', 'hand', 'again', 'undo', 'discover')),
    occurrence TEXT,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'withheld', 'approved', 'waiting', 'executing', 'done', 'partial',
        'failed', 'expired', 'rejected', 'cancelled')),
    reason TEXT,
    plan TEXT NOT NULL,
    moves TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    rule_hash TEXT,
    account_id TEXT NOT NULL,
    seed TEXT NOT NULL,
    returns INTEGER NOT NULL CHECK (returns IN (0, 1)),
    floor INTEGER,
    approved_by TEXT,
    cancelling INTEGER NOT NULL DEFAULT 0 CHECK (cancelling IN (0, 1)),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    approved_at INTEGER,
    started_at INTEGER,
    ended_at INTEGER,
    undoes TEXT
) STRICT;

CREATE INDEX runs_of_rule ON runs (rule, number);
CREATE INDEX runs_unfinished ON runs (number)
    WHERE state IN ('proposed', 'withheld', 'approved', 'waiting', 'executing');
-- Of an occurrence one run at most ever leaves `proposed`, but for those that a person asked for again.
CREATE UNIQUE INDEX runs_once ON runs (rule, occurrence)
    WHERE occurrence IS NOT NULL AND cause <> 'again' AND state NOT IN ('proposed', 'withheld', 'expired');

CREATE TRIGGER runs_step BEFORE UPDATE OF state ON runs WHEN old.state <> new.state AND NOT (
    (old.state IN ('proposed', 'withheld') AND new.state IN ('proposed', 'withheld', 'approved', 'expired', 'rejected', 'cancelled'))
    OR (old.state = 'approved' AND new.state IN ('waiting', 'executing', 'failed', 'cancelled', 'partial', 'done'))
    OR (old.state = 'waiting' AND new.state IN ('executing', 'done', 'partial', 'failed', 'cancelled'))
    OR (old.state = 'executing' AND new.state IN ('waiting', 'done', 'partial', 'failed', 'cancelled'))
) BEGIN SELECT RAISE(ABORT, 'a run cannot take this step'); END;

CREATE TRIGGER runs_stay BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'a run is never deleted'); END;

-- `needs` is the place of the transfer that brings the money for this one. `doubtful`: a request is out whose outcome
-- is not known. `dedupe_id` is the bank's key against a second time.
CREATE TABLE transfers (
    run_id TEXT NOT NULL REFERENCES runs (id),
    place INTEGER NOT NULL CHECK (place > 0),
    kind TEXT NOT NULL CHECK (kind IN ('withdraw', 'deposit', 'return')),
    pot_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL CHECK (length(currency) = 3),
    needs INTEGER,
    state TEXT NOT NULL CHECK (state IN ('planned', 'requested', 'confirmed', 'failed', 'cancelled')),
    dedupe_id TEXT NOT NULL UNIQUE,
    requested_at INTEGER,
    last_requested_at INTEGER,
    requests INTEGER NOT NULL DEFAULT 0,
    doubtful INTEGER NOT NULL DEFAULT 0 CHECK (doubtful IN (0, 1)),
    refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1)),
    confirmed_at INTEGER,
    pot_balance INTEGER,
    reconciled_at INTEGER,
    transaction_id TEXT,
    error TEXT,
    undoes TEXT,
    PRIMARY KEY (run_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX transfers_unsettled ON transfers (run_id) WHERE state IN ('planned', 'requested');
CREATE INDEX transfers_unreconciled ON transfers (confirmed_at) WHERE state = 'confirmed' AND reconciled_at IS NULL;
CREATE INDEX transfers_undone ON transfers (undoes) WHERE undoes IS NOT NULL;

CREATE TRIGGER transfers_step BEFORE UPDATE OF state ON transfers WHEN old.state <> new.state AND NOT (
    (old.state = 'planned' AND new.state IN ('requested', 'cancelled'))
    OR (old.state = 'requested' AND new.state IN ('confirmed', 'failed'))
    OR (old.state = 'requested' AND new.state = 'cancelled' AND old.doubtful = 0)
) BEGIN SELECT RAISE(ABORT, 'a transfer cannot take this step'); END;

CREATE TRIGGER transfers_fixed BEFORE UPDATE OF run_id, place, kind, pot_id, account_id, amount, currency, dedupe_id ON transfers
BEGIN SELECT RAISE(ABORT, 'what a transfer moves never changes'); END;

CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END;

-- Rows of ours in the bank's list that no transfer here explains; once told, a person has taken note.
CREATE TABLE foreign_transfers (
    dedupe_id TEXT PRIMARY KEY,
    transaction_id TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `rule` is empty for a freeze of everything.
CREATE TABLE freezes (
    rule TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Pots that the bank lets only the app move money of.
CREATE TABLE app_pots (
    pot_id TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('in', 'out')),
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (pot_id, way)
) STRICT, WITHOUT ROWID;

-- What a trigger on a balance saw at the last sync that counted.
CREATE TABLE balance_triggers (
    rule TEXT NOT NULL,
    place TEXT NOT NULL,
    balance INTEGER,
    edge_key TEXT,
    edge_at INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (rule, place)
) STRICT, WITHOUT ROWID;

-- What a person was asked to pay by hand, ticked off when a payment is seen that matches.
CREATE TABLE asks (
    run_id TEXT NOT NULL REFERENCES runs (id),
    step INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    payee TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    asked_at INTEGER NOT NULL,
    paid_at INTEGER,
    transaction_id TEXT,
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

-- Our own moves among the rows, by the key that the bank shows of them.
CREATE INDEX transactions_by_external_id ON transactions (external_id) WHERE external_id IS NOT NULL;

-- Pots that no rule may touch, by the bank's own word; known again at the next sync.
ALTER TABLE pots ADD COLUMN isa INTEGER NOT NULL DEFAULT 0 CHECK (isa IN (0, 1));
ALTER TABLE pots ADD COLUMN charity INTEGER NOT NULL DEFAULT 0 CHECK (charity IN (0, 1));

-- Events tell of rules and runs too.
ALTER TABLE events ADD COLUMN rule TEXT;
ALTER TABLE events ADD COLUMN run_id TEXT;
