CREATE TABLE codes (
    random            TEXT    PRIMARY KEY,
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
    ticket_hash       BLOB    NOT NULL UNIQUE,
    revision          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_forget_at ON codes (forget_at);

CREATE TABLE users (
    id           TEXT    PRIMARY KEY,
    signed_up    INTEGER NOT NULL,
    logins_count INTEGER NOT NULL,
    last_ip      TEXT    NOT NULL,
    blocked      INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
