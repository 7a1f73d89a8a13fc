-- What a person has said of bills: it counts before what the ledger shows.

-- `keys` is a JSON list of what tells the bill from others; `word` is JSON, what was said.
CREATE TABLE bill_words (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('confirm', 'ignore', 'rename', 'amount', 'skip', 'merge', 'split', 'add')),
    keys TEXT NOT NULL,
    word TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
