//! What every store must do, run against each of them, and what is each one's own.

pub(crate) mod every_store;

mod sqlite_file;

pub(crate) mod redis_itself;

mod redis_away;

mod two_servers;
