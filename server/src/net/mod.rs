//! TCP: the listener, connection limits and timeouts.

pub(crate) mod listener;
pub(crate) mod timeout_stream;
