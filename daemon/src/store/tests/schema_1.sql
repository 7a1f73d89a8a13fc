-- A database of schema 1 with something in every table that a migration may touch.
PRAGMA application_id = 1297764164;
PRAGMA user_version = 1;
INSERT INTO meta VALUES ('user_id', 'user_1'), ('clean', '0');
INSERT INTO accounts (id, kind, currency, created_at, first_seen_at, raw)
    VALUES ('acc_1', 'uk_retail', 'GBP', 1700000000000, 1750000000000, x'');
INSERT INTO accounts (id, kind, currency, pot_id, first_seen_at) VALUES ('acc_2', 'pot', 'GBP', 'pot_1', 1750000000000);
INSERT INTO pots VALUES ('pot_1', 'acc_1', 'Bills', 'default', 500, 'GBP', NULL, 0, 0, 1, 0, 1700000000000, 1750000000000, x'');
INSERT INTO pot_links VALUES ('pot_1', 'acc_2', 1750000000000);
INSERT INTO merchants VALUES ('merch_1', NULL, 'Shop', NULL, NULL, NULL);
INSERT INTO transactions (account_id, id, created_at, updated_at, amount, currency, local_amount, local_currency,
    description, notes, category, merchant_id, scheme, amount_is_pending, first_seen_at, raw)
    VALUES ('acc_1', 'tx_1', 1750000000000, 1750000000000, -100, 'GBP', -100, 'GBP', 'SHOP', '', 'general', 'merch_1',
    'mastercard', 1, 1750000000000, x''),
    ('acc_2', 'tx_2', 1750000000000, 1750000000000, 100, 'GBP', 100, 'GBP', 'pot_1', '', 'transfers', NULL,
    'uk_retail_pot', 0, 1750000000000, x'');
INSERT INTO revisions VALUES ('acc_1', 'tx_1', 1750000000000, 'sync_a', '{"notes":"x"}');
INSERT INTO balances VALUES ('acc_1', '', 1750000000000, 900, 1400, 0, 'GBP');
INSERT INTO sync_windows (account_id, since, before, state) VALUES ('acc_1', 1700000000000, 1750000000000, 'complete');
INSERT INTO syncs VALUES (1, 'sync_a', 'done', 'login', 1750000000000, 1750000001000, NULL, NULL);
INSERT INTO sync_accounts VALUES ('sync_a', 'acc_1', 1, 1, 0, 0, NULL, NULL);
INSERT INTO quarantine (account_id, digest, reason, first_seen_at, raw) VALUES ('acc_1', x'00', 'why', 1750000000000, x'');
INSERT INTO exclusions VALUES ('pot_1', 'pot', 1750000000000);
INSERT INTO events (at, kind, severity, message) VALUES (1750000000000, 'logged_in', 'note', 'signed in');
