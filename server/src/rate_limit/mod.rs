//! Rate limits per address, user and code. [`Limits`] has the settings, and [`RateLimiters`] applies them.
//!
//! Only code creation, images and wrong guesses count against an address. Polls count against their code and poll token, or
//! without a token against their code and address. Requests of approvers count against their user and their code. So correct
//! requests pass even if another client of the same address guesses codes, tokens or secrets. The default burst lets 1,000
//! browsers of an office open a login page twice.
//!
//! The limits bound the work of the server. Ids and secrets do not depend on them: they are too long to guess at any rate.
//!
//! Deliberately absent: state that processes share. Behind a load balancer, each server allows the full rate.

pub(crate) mod gcra;

use core::net::IpAddr;

use crate::client::ClientAddress;
use crate::config::limits::Limits;
use crate::rate_limit::gcra::{RateLimited, RateLimiter};
use crate::secrets::Secret;
use crate::store::user::User;

/// One rate limiter for each rate of [`Limits`].
pub(crate) struct RateLimiters {
    codes_per_address: RateLimiter,
    wrong_guesses_per_address: RateLimiter,
    checks_per_code: RateLimiter,
    images_per_address: RateLimiter,
    approver_calls_per_user: RateLimiter,
    approver_calls_per_code: RateLimiter,
}

impl RateLimiters {
    /// Rate limiters with full buckets.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            codes_per_address: RateLimiter::new(limits.codes_per_address),
            wrong_guesses_per_address: RateLimiter::new(limits.wrong_guesses_per_address),
            checks_per_code: RateLimiter::new(limits.checks_per_code),
            images_per_address: RateLimiter::new(limits.images_per_address),
            approver_calls_per_user: RateLimiter::new(limits.approver_calls_per_user),
            approver_calls_per_code: RateLimiter::new(limits.approver_calls_per_code),
        }
    }

    /// Counts the creation of a code by `client`.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit is exceeded.
    pub(crate) fn code(&self, client: ClientAddress) -> Result<(), RateLimited> {
        self.codes_per_address.count(client.network())
    }

    /// Counts a poll of the code `random` by `client`.
    ///
    /// The key includes the poll token, because every person who sees the QR code knows `random`. Such a person can't use up
    /// the polls of the browser that created the code. Without a token, the key includes the address instead.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit is exceeded.
    pub(crate) fn check(
        &self,
        random: &str,
        poll_token: Option<&Secret>,
        client: ClientAddress,
    ) -> Result<(), RateLimited> {
        match poll_token {
            Some(poll_token) => self.checks_per_code.count((random, poll_token.expose())),
            None => self.checks_per_code.count((random, client.network())),
        }
    }

    /// Counts a request of `client` for the image of a code. To draw one takes milliseconds.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit is exceeded.
    pub(crate) fn image(&self, client: ClientAddress) -> Result<(), RateLimited> {
        self.images_per_address.count(client.network())
    }

    /// Counts a request of the approver `user` for the code `random`.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit of the user or of the code is exceeded.
    pub(crate) fn approver_call(&self, user: &User, random: &str) -> Result<(), RateLimited> {
        self.approver(user)?;
        self.approver_calls_per_code.count(random)
    }

    /// Counts a request of the approver `user`, for whatever code.
    ///
    /// # Errors
    ///
    /// [`RateLimited`] if the limit of the user is exceeded.
    pub(crate) fn approver(&self, user: &User) -> Result<(), RateLimited> {
        self.approver_calls_per_user.count((&user.user_pool_id, &user.id))
    }

    /// Counts a wrong guess from `network`: an unknown code, ticket or app, or a wrong token, secret or password. Requests
    /// without a known address share the limit of `None`.
    pub(crate) fn wrong_guess(&self, network: Option<IpAddr>) -> Result<(), RateLimited> {
        self.wrong_guesses_per_address.count(network)
    }
}
