//! Number matching: the page shows a number, and the phone asks which of three numbers that is.
//!
//! The scan of a code draws a random seed and stores it, and the three numbers are derived from the seed. So they are the same
//! at each request and at each server.
//!
//! Invariant: nobody can know a number before the scan. A page that knew it could request codes until one has the number that
//! it has told the victim in advance. So the numbers must not follow from anything that exists before the scan, such as the
//! ticket, which the page can compute. A phone does not know the seed: to it, each of the three is equally likely.

use core::fmt;
use core::str::FromStr;

use scanlogin_protocol::lifecycle::{CodeState, NumberChoice};

use crate::config::app::{App, Confirmation};
use crate::secrets::{Hash, RandomError, Secret};
use crate::store::record::Record;
use crate::store::user::User;

/// The smallest number.
const MIN: u8 = 10;
/// How many numbers have two digits.
const COUNT: u64 = 90;

/// A number of two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u8);

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.as_bytes() {
            [tens @ b'1'..=b'9', ones @ b'0'..=b'9'] => Ok(Self((tens - b'0') * 10 + (ones - b'0'))),
            _ => Err("must be one of numbers, a text of two digits"),
        }
    }
}

/// The numbers of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The number that the page shows.
    pub shown: Number,
    /// The numbers that the phone offers, in ascending order. One of them is `shown`.
    pub offered: [Number; 3],
}

impl Numbers {
    /// The numbers of `record`, if its approver has to choose one. `None` if `app` does not ask for a number, and for a code that
    /// is not scanned, was opened on the device of the page, or has no seed.
    pub(crate) fn of(app: &App, record: &Record) -> Option<Self> {
        record.number_seed.filter(|_| are_asked(app, &record.state)).map(Self::derive)
    }

    /// Invariant: the labels do not change, because the servers on one store have to agree.
    fn derive(seed: Hash) -> Self {
        let shown = draw(seed.derive("number: shown"), &[]);
        let decoy = draw(seed.derive("number: first decoy"), &[shown]);
        let mut taken = [shown, decoy];
        taken.sort_unstable();
        let mut offered = [shown, decoy, draw(seed.derive("number: second decoy"), &taken)];
        // The order tells nothing: each of three random numbers is in each place equally often.
        offered.sort_unstable();
        Self { shown, offered }
    }
}

/// Whether the approver of a code of `app` in `state` has to choose a number.
fn are_asked(app: &App, state: &CodeState<User>) -> bool {
    app.confirmation == Confirmation::Number && matches!(state, CodeState::Scanned(_))
}

/// The seed of a code of `app` after its transition to `state`. Only a scan makes a code scanned, so each scan has a new seed.
///
/// # Errors
///
/// When the random number generator of the system fails.
pub(super) fn seed(app: &App, state: &CodeState<User>) -> Result<Option<Hash>, RandomError> {
    are_asked(app, state).then(|| Ok(Hash::of(Secret::random()?.expose()))).transpose()
}

/// Compares the number of a confirm with the number of `record`.
///
/// A code without a seed was scanned before its app asked for numbers, or at a server of an older version. The page shows no
/// number for it, so no number is right.
pub(super) fn choice(app: &App, record: &Record, number: Option<Number>) -> NumberChoice {
    if !are_asked(app, &record.state) {
        return NumberChoice::NotAsked;
    }
    match (Numbers::of(app, record), number) {
        (_, None) => NumberChoice::Missing,
        (Some(numbers), Some(number)) if numbers.shown == number => NumberChoice::Right,
        (_, Some(_)) => NumberChoice::Wrong,
    }
}

/// A number of two digits that is not one of `taken`, which are in ascending order. Each is equally likely for a random
/// `value`.
fn draw(value: u64, taken: &[Number]) -> Number {
    let left = COUNT - taken.len() as u64;
    // The remainder is below 90.
    let mut number = MIN + (value % left) as u8;
    for Number(taken) in taken {
        number += u8::from(number >= *taken);
    }
    Number(number)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::store::record::tests::record;

    #[test]
    fn numbers_are_distinct_and_each_is_equally_likely_in_each_role() {
        const CODES: usize = 90_000;
        let (mut shown, mut places) = (vec![0_usize; 100], [0_usize; 3]);
        for code in 0..CODES {
            let numbers = Numbers::derive(Hash::of(&code.to_string()));
            assert_eq!(HashSet::from(numbers.offered).len(), 3, "{numbers:?}");
            assert!(numbers.offered.is_sorted() && numbers.offered.iter().all(|Number(number)| *number >= MIN));
            let place = numbers.offered.iter().position(|number| *number == numbers.shown).expect("it is offered");
            places[place] += 1;
            shown[usize::from(numbers.shown.0)] += 1;
        }
        // Six standard deviations. The hashes are always the same, so the test does not fail by chance.
        for (number, count) in shown.iter().enumerate() {
            let expected = if (10..=99).contains(&number) { CODES / 90 } else { 0 };
            assert!(count.abs_diff(expected) < 190, "{number}: {count}");
        }
        for count in places {
            assert!(count.abs_diff(CODES / 3) < 850, "{places:?}");
        }
    }

    #[test]
    fn numbers_of_a_stored_code_do_not_change_between_versions() {
        assert_eq!(
            Numbers::derive(Hash::of("t")),
            Numbers { shown: Number(19), offered: [Number(19), Number(35), Number(82)] }
        );
    }

    #[test]
    fn only_a_scanned_code_of_an_app_with_numbers_has_them() {
        let plain = App::new("shop", "The Shop", "customers", Hash::of("a"));
        let with_numbers = App { confirmation: Confirmation::Number, ..plain.clone() };
        let in_state = |state| Record { state, number_seed: Some(Hash::of("t")), ..record() };
        let alice = || User { id: "alice".to_owned(), ..User::default() };
        let scanned = in_state(CodeState::Scanned(alice()));
        assert!(Numbers::of(&with_numbers, &scanned).is_some());
        assert_eq!(Numbers::of(&plain, &scanned), None);
        for state in [
            CodeState::Unused,
            CodeState::Opened(alice()),
            CodeState::Returning(alice()),
            CodeState::Authorised(alice()),
            CodeState::Cancelled(alice()),
        ] {
            assert_eq!(Numbers::of(&with_numbers, &in_state(state.clone())), None, "{state:?}");
        }
    }

    #[test]
    fn code_without_a_seed_has_no_right_number() {
        let app = App::new("shop", "The Shop", "customers", Hash::of("a"));
        let app = App { confirmation: Confirmation::Number, ..app };
        let scanned = Record { state: CodeState::Scanned(User::default()), ..record() };
        assert_eq!(Numbers::of(&app, &scanned), None);
        assert_eq!(choice(&app, &scanned, None), NumberChoice::Missing);
        for number in MIN..=99 {
            assert_eq!(choice(&app, &scanned, Some(Number(number))), NumberChoice::Wrong, "{number}");
        }
    }

    #[test]
    fn only_two_digits_are_a_number() {
        assert_eq!("10".parse(), Ok(Number(10)));
        assert_eq!("99".parse(), Ok(Number(99)));
        for text in ["", "7", "07", "100", "1a", "-5", "+5", " 42", "42 ", "４２", "4.2"] {
            assert!(text.parse::<Number>().is_err(), "{text:?}");
        }
    }
}
