//! What is too much: [`Limits`] is what can be set, [`RateLimiters`] count by it.
//!
//! They keep one caller from using up what all others need, and leave a whole office behind one address in peace: a
//! thousand browsers that open a login page at nine o'clock, twice, and wait. What is right is never counted against an
//! address, but for the codes that it asks for. What is wrong is, so that whoever tries out codes, tokens or secrets is
//! sent away while their neighbours go on. That is to save work: ids and secrets are too long to be guessed at any rate.
//! Deliberately absent: other processes. Behind a load balancer each of `n` servers lets this much through.

pub mod gcra;

use core::net::IpAddr;

use crate::client::ClientAddress;
use crate::config::limits::Limits;
use crate::rate_limit::gcra::{Meter, RateLimited};
use crate::secrets::Secret;
use crate::store::user::User;

/// Counts by [`Limits`] what callers do.
pub struct RateLimiters {
    codes_per_address: Meter,
    wrong_guesses_per_address: Meter,
    checks_per_code: Meter,
    approver_calls_per_user: Meter,
    approver_calls_per_code: Meter,
}

impl RateLimiters {
    /// Nobody has done anything yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            codes_per_address: Meter::new(limits.codes_per_address),
            wrong_guesses_per_address: Meter::new(limits.wrong_guesses_per_address),
            checks_per_code: Meter::new(limits.checks_per_code),
            approver_calls_per_user: Meter::new(limits.approver_calls_per_user),
            approver_calls_per_code: Meter::new(limits.approver_calls_per_code),
        }
    }

    /// `client` asks for a code.
    ///
    /// # Errors
    ///
    /// [`RateLimited`], here as below.
    pub fn code(&self, client: ClientAddress) -> Result<(), RateLimited> {
        self.codes_per_address.count(client.network())
    }

    /// A browser that brings `poll_token` asks about the code `random`. Counted by both, since `random` stands in the
    /// picture for all to see: who has only that can't use up what the browser needs.
    ///
    /// # Errors
    ///
    /// [`RateLimited`].
    pub fn check(&self, random: &str, poll_token: Option<&Secret>) -> Result<(), RateLimited> {
        self.checks_per_code.count((random, poll_token.map(Secret::expose)))
    }

    /// The phone of `user` asks for a step of the code `random`.
    ///
    /// # Errors
    ///
    /// [`RateLimited`].
    pub fn approver_call(&self, user: &User, random: &str) -> Result<(), RateLimited> {
        self.approver_calls_per_user.count((&user.user_pool_id, &user.id))?;
        self.approver_calls_per_code.count(random)
    }

    /// A request from `network` has named a code, a ticket, a token or a secret that does not exist.
    pub(crate) fn wrong_guess(&self, network: Option<IpAddr>) -> Result<(), RateLimited> {
        self.wrong_guesses_per_address.count(network)
    }
}
