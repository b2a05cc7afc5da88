//! Tests that run against every store, and tests of one store.

pub(crate) mod every_store;

mod sqlite_file;

pub(crate) mod redis_store;

mod redis_outage;

mod two_servers;
