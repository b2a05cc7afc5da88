-- A code can be opened on the device of the page: the address of the page, the hash of the response code, and two more values
-- of `life`. SQLite can't change a CHECK, so the table is written again.
ALTER TABLE codes RENAME TO codes_of_version_3;

DROP INDEX codes_by_forget_at;
DROP INDEX codes_by_ticket_hash;

CREATE TABLE codes (
    id                 INTEGER PRIMARY KEY,
    random             TEXT    NOT NULL UNIQUE,
    app_id             TEXT    NOT NULL,
    created_at         INTEGER NOT NULL, -- this and all times: milliseconds since 1970, UTC
    expires_at         INTEGER NOT NULL,
    life               TEXT    NOT NULL CHECK (life IN ('unused', 'scanned', 'opened', 'returning', 'authorised', 'cancelled',
                                                        'failed')),
    owner              TEXT    CHECK ((owner IS NULL) = (life = 'unused')), -- JSON
    ended_at           INTEGER,
    ticket_expires_at  INTEGER,
    ticket_used_at     INTEGER,
    forget_at          INTEGER NOT NULL,
    response_code_hash BLOB    CHECK (life != 'returning' OR response_code_hash IS NOT NULL),
    return_url         TEXT,
    custom_data        TEXT,             -- JSON
    requester          TEXT    NOT NULL, -- JSON
    poll_token_hash    BLOB    NOT NULL,
    ticket_hash        BLOB    NOT NULL,
    revision           INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO codes (id, random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at, ticket_used_at,
                   forget_at, custom_data, requester, poll_token_hash, ticket_hash, revision)
SELECT id, random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at, ticket_used_at,
       forget_at, custom_data, requester, poll_token_hash, ticket_hash, revision
FROM codes_of_version_3;

DROP TABLE codes_of_version_3;

CREATE INDEX codes_by_forget_at ON codes (forget_at);

CREATE UNIQUE INDEX codes_by_ticket_hash ON codes (ticket_hash) WHERE life = 'authorised';
