//! Functions and fixtures that several test modules share.

pub(crate) mod authenticator;
pub(crate) mod captured_log;
pub(crate) mod oidc_provider;
pub(crate) mod openapi_validator;
pub(crate) mod redis_server;
pub(crate) mod reserved_port;
pub(crate) mod server_process;
pub(crate) mod test_server;
pub(crate) mod test_stores;
pub(crate) mod timeout;
