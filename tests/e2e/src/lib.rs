//! What the tests of the whole path have in common: a browser, a phone, a site, and bad luck.
//!
//! Nothing is faked: the browser is a real one behind its driver, the phone speaks HTTP, the site is the real server with
//! its real database. Only [`faults`] stands between them, and only where a test asks for it.

#![expect(clippy::indexing_slicing, reason = "a test that meets the unexpected should stop where it stands")]

pub mod browser;

mod console;

mod devtools;

mod driver;

mod engine;

mod evidence;

mod pool;

pub mod phone;

pub mod site;

pub mod faults;

pub mod traffic;

pub mod side_by_side;

pub mod gallery;

pub use browser::Browser;
pub use phone::Phone;
pub use site::Site;
pub use traffic::Traffic;
