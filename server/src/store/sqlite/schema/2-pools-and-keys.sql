-- An id names a user within a pool. Of the users until now nobody has written down the pool: theirs is empty until they
-- sign in again.
ALTER TABLE users RENAME TO users_without_pool;

CREATE TABLE users (
    user_pool_id TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    signed_up    INTEGER NOT NULL,
    logins_count INTEGER NOT NULL,
    last_ip      TEXT    NOT NULL,
    blocked      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_pool_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO users SELECT '', id, signed_up, logins_count, last_ip, blocked FROM users_without_pool;

DROP TABLE users_without_pool;

CREATE TABLE keys (
    id         TEXT    PRIMARY KEY,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('signing', 'poll-token')),
    algorithm  TEXT    NOT NULL,
    secret     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
