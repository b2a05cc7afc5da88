//! How many polls of one page the server may hold at once.
//!
//! Over HTTP/1.1 a browser has six connections to a server, and a held poll takes one for itself. With six widgets all
//! are taken: the seventh would hear of its scan only when another's poll ends, and the page could load nothing else.
//! Deliberately absent: a queue. Whoever gets no permit polls at its interval, and asks again next time.

use core::cell::Cell;

/// Leaves two connections to those that are not held, and to the page.
const MOST_HELD: u32 = 4;

thread_local! {
    static HELD: Cell<u32> = const { Cell::new(0) };
}

/// The right to have one poll held. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "a permit that is dropped goes to another widget"]
pub(super) struct HoldPermit(());

impl HoldPermit {
    /// Whether one is left.
    pub(super) fn is_left() -> bool {
        HELD.get() < MOST_HELD
    }

    /// Takes one.
    pub(super) fn take() -> Self {
        HELD.set(HELD.get() + 1);
        Self(())
    }
}

impl Drop for HoldPermit {
    fn drop(&mut self) {
        HELD.set(HELD.get() - 1);
    }
}
