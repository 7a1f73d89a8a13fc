-- What the transactions of each account add up to, week by week, so that a sync need not count the whole history again;
-- and fewer indexes, so that new rows are stored with less work.

-- `sum` is of the rows that count towards a balance, in minor units; a week is 604,800,000 ms since 1970. The triggers
-- below keep it in the transaction that changes a row. No bank holds 10^15: with the limit no sum can overflow.
CREATE TABLE weekly_sums (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    week INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (account_id, week)
) STRICT, WITHOUT ROWID;

INSERT INTO weekly_sums (account_id, week, sum)
    SELECT account_id, created_at / 604800000, sum(max(-1000000000000000, min(1000000000000000, amount)))
    FROM transactions WHERE decline_reason IS NULL AND withdrawn_at IS NULL GROUP BY 1, 2;

CREATE TRIGGER transactions_added AFTER INSERT ON transactions
WHEN new.decline_reason IS NULL AND new.withdrawn_at IS NULL
BEGIN
    INSERT INTO weekly_sums (account_id, week, sum)
        VALUES (new.account_id, new.created_at / 604800000, max(-1000000000000000, min(1000000000000000, new.amount)))
        ON CONFLICT (account_id, week)
        DO UPDATE SET sum = max(-1000000000000000, min(1000000000000000, sum + excluded.sum));
END;

CREATE TRIGGER transactions_changed AFTER UPDATE OF account_id, created_at, amount, decline_reason, withdrawn_at ON transactions
WHEN (old.account_id, old.created_at, old.amount, old.decline_reason IS NULL AND old.withdrawn_at IS NULL)
    IS NOT (new.account_id, new.created_at, new.amount, new.decline_reason IS NULL AND new.withdrawn_at IS NULL)
BEGIN
    UPDATE weekly_sums SET sum = max(-1000000000000000, min(1000000000000000, sum - old.amount))
        WHERE account_id = old.account_id AND week = old.created_at / 604800000
        AND old.decline_reason IS NULL AND old.withdrawn_at IS NULL;
    INSERT INTO weekly_sums (account_id, week, sum)
        SELECT new.account_id, new.created_at / 604800000, max(-1000000000000000, min(1000000000000000, new.amount))
        WHERE new.decline_reason IS NULL AND new.withdrawn_at IS NULL
        ON CONFLICT (account_id, week)
        DO UPDATE SET sum = max(-1000000000000000, min(1000000000000000, sum + excluded.sum));
END;

CREATE TRIGGER transactions_removed AFTER DELETE ON transactions
WHEN old.decline_reason IS NULL AND old.withdrawn_at IS NULL
BEGIN
    UPDATE weekly_sums SET sum = max(-1000000000000000, min(1000000000000000, sum - old.amount))
        WHERE account_id = old.account_id AND week = old.created_at / 604800000;
END;

-- An account's rows in order, with all that counts towards a balance.
CREATE INDEX transactions_of_account ON transactions (account_id, created_at, id, amount, decline_reason, withdrawn_at);
DROP INDEX transactions_of_account_by_time;
DROP INDEX transactions_counted;

-- The primary key finds an id in each account.
DROP INDEX transactions_by_id;

-- Our own moves alone, by the key that the bank shows of them: `external_id` ends with `:` and the key.
CREATE INDEX transactions_of_ours ON transactions (substr(external_id, instr(external_id, ':mz-') + 1))
    WHERE instr(external_id, ':mz-') > 0;
DROP INDEX transactions_by_external_id;
