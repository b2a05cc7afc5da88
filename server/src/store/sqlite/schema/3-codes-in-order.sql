-- New codes are appended to the table. Only the index on `random` is changed at a random place, and it is small. The ticket
-- of a code is in an index only after the code was authorised, which most codes never are.
ALTER TABLE codes RENAME TO codes_by_random;

DROP INDEX codes_by_forget_at;

CREATE TABLE codes (
    id                INTEGER PRIMARY KEY,
    random            TEXT    NOT NULL UNIQUE,
    app_id            TEXT    NOT NULL,
    created_at        INTEGER NOT NULL, -- this and all times: milliseconds since 1970, UTC
    expires_at        INTEGER NOT NULL,
    life              TEXT    NOT NULL CHECK (life IN ('unused', 'scanned', 'authorised', 'cancelled', 'failed')),
    owner             TEXT    CHECK ((owner IS NULL) = (life = 'unused')), -- JSON
    ended_at          INTEGER,
    ticket_expires_at INTEGER,
    ticket_used_at    INTEGER,
    forget_at         INTEGER NOT NULL,
    custom_data       TEXT,             -- JSON
    requester         TEXT    NOT NULL, -- JSON
    poll_token_hash   BLOB    NOT NULL,
    ticket_hash       BLOB    NOT NULL,
    revision          INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at, ticket_used_at,
                   forget_at, custom_data, requester, poll_token_hash, ticket_hash, revision)
SELECT random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at, ticket_used_at,
       forget_at, custom_data, requester, poll_token_hash, ticket_hash, revision
FROM codes_by_random
ORDER BY created_at;

DROP TABLE codes_by_random;

CREATE INDEX codes_by_forget_at ON codes (forget_at);

CREATE UNIQUE INDEX codes_by_ticket_hash ON codes (ticket_hash) WHERE life = 'authorised';
