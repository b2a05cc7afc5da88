//! The fixtures of the end-to-end tests: a browser, a phone, a site, and faults of the network.
//!
//! Nothing is mocked. WebDriver controls a real browser, the phone sends HTTP requests, and the site is the server with
//! a SQLite file. Only [`faults`] changes requests and responses, if a test asks for it.

#![expect(clippy::indexing_slicing, reason = "a test stops at unexpected data")]

pub mod browser;

pub mod camera;

pub mod comparison;

mod console;

mod devtools;

mod driver;

mod engine;

mod evidence;

pub mod login_page;

mod pool;

pub mod phone;

pub mod phone_page;

pub mod proxy;

pub mod site;

pub mod faults;

pub mod traffic;

pub mod gallery;

pub use browser::Browser;
pub use phone::Phone;
pub use site::Site;
pub use traffic::Traffic;
