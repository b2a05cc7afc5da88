//! Between the session and HTTP: writes requests, and reads responses.

pub mod reader;
pub mod request;
pub mod response;
pub mod writer;
