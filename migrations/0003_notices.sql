-- What a person is told beyond this machine. A notice is written before it is sent and sent once at most: the bank's
-- feed has no key against a second time.

CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL CHECK (topic IN ('attention', 'run', 'recovered')),
    subject TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    account_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'dropped'))
) STRICT;

CREATE INDEX notices_waiting ON notices (id) WHERE state = 'waiting';

-- Attentions as they were last seen, so that one that mends itself at once is not told, and none is told twice.
CREATE TABLE matters (
    id TEXT PRIMARY KEY,
    message TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    told_at INTEGER,
    over_at INTEGER
) STRICT, WITHOUT ROWID;
