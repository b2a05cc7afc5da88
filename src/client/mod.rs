//! Between the session and HTTP: writes requests and reads responses. It sends nothing.

pub mod reader;
pub mod request;
pub mod response;
pub mod writer;
