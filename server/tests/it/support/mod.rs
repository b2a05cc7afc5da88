//! Helpers and fixtures that several test modules share.

pub(crate) mod common;
pub(crate) mod description;
pub(crate) mod kept_log;
pub(crate) mod port;
pub(crate) mod provider;
pub(crate) mod redis_server;
pub(crate) mod server_process;
pub(crate) mod test_stores;
