//! Tests that run against every store, and tests of one store.

pub(crate) mod every_store;

mod sqlite_file;

pub(crate) mod redis_itself;

mod redis_away;

mod two_servers;
