-- What each transaction means for spending and income, so that no figure reads the whole history. All of it is derived
-- from the transactions and can be made again from them at any time.

-- Whom money went to or came from: one row for all spellings of a name, or all shops of a group.
CREATE TABLE payees (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    is_merchant INTEGER NOT NULL CHECK (is_merchant IN (0, 1))
) STRICT;

-- One transaction has an entry, or several where its amount is divided over categories: `part` counts them from zero.
-- `amount` has the sign that it has in its account. `pot_id` is the pot that paid, or for a transfer the pot moved to
-- or from. Pending rows are `provisional`. In the order of the primary key a figure of a period reads neighbours only.
CREATE TABLE entries (
    account_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    part INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('spending', 'refund', 'repayment', 'income', 'interest', 'transfer')),
    amount INTEGER NOT NULL,
    category TEXT NOT NULL,
    payee INTEGER NOT NULL REFERENCES payees (number),
    pot_id TEXT,
    person TEXT,
    trip TEXT,
    left_out INTEGER NOT NULL CHECK (left_out IN (0, 1)),
    provisional INTEGER NOT NULL CHECK (provisional IN (0, 1)),
    PRIMARY KEY (account_id, created_at, id, part)
) STRICT, WITHOUT ROWID;

-- Transactions whose entries are missing or out of date. `created_at` is where in `entries` they are, so that a
-- transaction whose time changed is due at both.
CREATE TABLE entries_due (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, id, created_at)
) STRICT, WITHOUT ROWID;

INSERT INTO entries_due (account_id, id, created_at) SELECT account_id, id, created_at FROM transactions;

CREATE TRIGGER entries_of_added AFTER INSERT ON transactions
BEGIN
    INSERT OR IGNORE INTO entries_due (account_id, id, created_at) VALUES (new.account_id, new.id, new.created_at);
END;

CREATE TRIGGER entries_of_changed AFTER UPDATE ON transactions
BEGIN
    INSERT OR IGNORE INTO entries_due (account_id, id, created_at)
        VALUES (old.account_id, old.id, old.created_at), (new.account_id, new.id, new.created_at);
END;

CREATE TRIGGER entries_of_removed AFTER DELETE ON transactions
BEGIN
    INSERT OR IGNORE INTO entries_due (account_id, id, created_at) VALUES (old.account_id, old.id, old.created_at);
END;

-- Money that may have gone from one account of the person to another: the same amount, about the same time. No bank holds
-- 10^15, and the least integer has no amount without its sign.
CREATE INDEX transactions_by_amount ON transactions (abs(amount), created_at)
    WHERE amount > -1000000000000000 AND scheme IN ('payport_faster_payments', 'faster_payments', 'p2p_payment', 'monzo_to_monzo', 'chaps');
