//! `scanlogin-server token check`: explains why a server with the same settings accepts or rejects a token.
//!
//! Invariant: the token is read from a file or the standard input, because other users of a machine can see arguments. Its
//! signature is never printed, so a report can't be used as a token.

use core::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use tokio::runtime;

use crate::auth::authentication::VerifiedUser;
use crate::auth::claims::{Claims, shown};
use crate::auth::error::{TokenError, TokenProblem};
use crate::auth::token::Token;
use crate::auth::{Authority, Identity, SHARED_SECRET_POOL_CLAIM};
use crate::cli::error::CommandError;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::app::App;
use crate::config::issuer::{Audience, ClaimNames, Issuer, Pool};

/// The longest input that is read, in bytes. It is longer than the longest token, so that the report names its length.
const MAX_INPUT_BYTES: u64 = 1024 * 1024;

/// The commands for tokens of users.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Check a token of a user with the settings of the server, and explain the result: the entry of its issuer, its
    /// claims, its times, and the check that fails. Fetches the keys of the issuer.
    Check {
        /// The file with the token. Without it, the token is read from the standard input.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

impl TokenCommand {
    pub(super) fn run(self, config: Config) -> Result<(), CommandError> {
        let Self::Check { file } = self;
        let input = read(file.as_deref())?;
        let token = without_scheme(&input);
        let identity = Identity::new(config.jwt_secret.as_ref(), config.settings.issuers.clone(), Clock::system());
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::new)?;
        let report = runtime.block_on(Report::of(token, &identity));
        print!("{}", report.text(&config));
        match report.result {
            Ok(_) => Ok(()),
            Err(_) => Err(CommandError::new("a server with these settings rejects the token")),
        }
    }
}

/// The token in `text`, which may be the value of an `authorization` header.
fn without_scheme(text: &str) -> &str {
    let token = text.trim();
    token
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or(token, |(_, token)| token.trim())
}

fn read(file: Option<&Path>) -> Result<String, CommandError> {
    let mut text = String::new();
    let Some(path) = file else {
        io::stdin()
            .take(MAX_INPUT_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| CommandError::new(format_args!("the standard input can't be read: {error}")))?;
        return Ok(text);
    };
    if path.to_str().is_some_and(|text| Token::parse(without_scheme(text)).is_ok()) {
        return Err(CommandError::new(
            "the argument is a token, and other users of this machine can see arguments; write it to a file, or to the \
             standard input",
        ));
    }
    File::open(path)
        .and_then(|file| file.take(MAX_INPUT_BYTES).read_to_string(&mut text))
        .map_err(|error| CommandError::new(format_args!("{}: {error}", path.display())))?;
    Ok(text)
}

/// The result of the checks of a token.
struct Report<'a> {
    length: usize,
    /// `None` if it is malformed.
    token: Option<Token<'a>>,
    /// `None` if no issuer or secret of the settings is for the token.
    authority: Option<Authority>,
    result: Result<VerifiedUser, TokenError>,
    now: Timestamp,
}

impl<'a> Report<'a> {
    async fn of(text: &'a str, identity: &Identity) -> Self {
        let (length, now) = (text.len(), Timestamp::now());
        let token = match Token::parse(text) {
            Ok(token) => token,
            Err(error) => return Self { length, token: None, authority: None, result: Err(error), now },
        };
        let authority = token.algorithm().and_then(|algorithm| identity.authority(&token, algorithm)).ok();
        let result = identity.verify_parsed(&token).await;
        Self { length, token: Some(token), authority, result, now }
    }

    fn text(&self, config: &Config) -> String {
        let mut lines = Lines(String::new());
        lines.line("Token", &format!("{} bytes", self.length));
        if let Some(token) = &self.token {
            self.describe_token(token, &mut lines);
        }
        match &self.result {
            Ok(VerifiedUser { user, authentication }) => {
                lines.line("Result", "accepted");
                lines.line("User", &format!("id {:?}, user pool {:?}", user.id, user.user_pool_id));
                let of_pool = config.settings.apps.iter().filter(|app| app.user_pool_id == user.user_pool_id);
                let apps: Vec<&App> = of_pool.collect();
                let ids: Vec<&str> = apps.iter().map(|app| app.id.as_str()).collect();
                lines.line(
                    "Apps",
                    &match ids.as_slice() {
                        [] => "none has this user pool; the phone gets the reason wrong-pool".to_owned(),
                        ids => ids.join(", "),
                    },
                );
                for app in apps {
                    let Some(Err(unmet)) = app.step_up.as_ref().map(|required| authentication.meets(required)) else {
                        continue;
                    };
                    lines.line("", &format!("confirm at {} gets the reason step-up-required: {unmet}", app.id));
                }
            }
            Err(error) => {
                lines.line("Result", &format!("rejected, {error}"));
                lines.line(
                    "Phone gets",
                    &match error.problem {
                        TokenProblem::Expired => "reason login-expired".to_owned(),
                        TokenProblem::KeysUnavailable => "reason unavailable, HTTP 503".to_owned(),
                        problem => format!("reason not-signed-in, detail {}", problem.as_str()),
                    },
                );
            }
        }
        lines.0
    }

    fn describe_token(&self, token: &Token<'_>, lines: &mut Lines) {
        let optional = |value: &Option<String>| {
            value.as_ref().map_or_else(|| "absent".to_owned(), |value| format!("\"{}\"", shown(value)))
        };
        let header = &token.header;
        lines.line(
            "Header",
            &format!("alg {}, kid {}, typ {}", shown(&header.alg), optional(&header.kid), optional(&header.typ)),
        );
        let claims = &token.unverified_claims;
        let defaults = ClaimNames::default();
        let shared_pool = Pool::Claim(SHARED_SECRET_POOL_CLAIM.to_owned());
        let (names, pool) = match &self.authority {
            None => {
                lines.line("Entry", "none");
                lines.claim("iss", claims, "");
                (&defaults, None)
            }
            Some(Authority::SharedSecret) => {
                lines.line("Entry", "none; --jwt-secret verifies this token");
                (&defaults, Some(&shared_pool))
            }
            Some(Authority::Issuer(provider)) => {
                describe_issuer(&provider.issuer, claims, lines);
                (&provider.issuer.claims, Some(&provider.issuer.pool))
            }
        };
        for (field, name) in names.each() {
            // Standard claims that the token does not have need no line.
            if field == "id"
                || claims.get(name).is_some()
                || defaults.each().iter().all(|(_, default)| *default != name)
            {
                lines.claim(name, claims, field);
            }
        }
        if let Some(Pool::Claim(name)) = pool {
            lines.claim(name, claims, "user pool");
        }
        lines.line("Now", &format!("{:.0}, by the clock of this machine", self.now));
        for name in ["iat", "nbf", "exp"] {
            let time = claims.time(name).ok().flatten().and_then(|seconds| Timestamp::from_second(seconds).ok());
            match time {
                Some(time) => {
                    let ahead = time.as_second().saturating_sub(self.now.as_second());
                    lines.line(name, &format!("{time}, {}", in_words(ahead)));
                }
                None => lines.claim(name, claims, ""),
            }
        }
    }
}

fn describe_issuer(issuer: &Issuer, claims: &Claims, lines: &mut Lines) {
    let source = if issuer.has_secret() { "the secret in" } else { "keys from" };
    lines.line("Entry", &format!("issuer {:?}, {source} {}", issuer.name, issuer.jwks));
    lines.claim("iss", claims, "");
    let expected = match &issuer.audience {
        Audience::AnyOf(names) => format!("accepted: {names:?}"),
        Audience::Absent => "audience = false: must be absent or empty".to_owned(),
    };
    lines.claim("aud", claims, &expected);
    for (name, values) in &issuer.required_claims {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        lines.claim(name, claims, &format!("required: {}", values.join(" or ")));
    }
}

/// The lines of a report: a name and its value.
struct Lines(String);

impl Lines {
    fn line(&mut self, name: &str, value: &str) {
        // Writing to a string never fails.
        let _ = writeln!(self.0, "{name:<12} {value}");
    }

    fn claim(&mut self, name: &str, claims: &Claims, remark: &str) {
        let remark = if remark.is_empty() { String::new() } else { format!("   ({remark})") };
        self.line(name, &format!("{}{remark}", claims.shown(name)));
    }
}

/// A time relative to now, in its largest unit of which there are at least two.
fn in_words(seconds_ahead: i64) -> String {
    let seconds = seconds_ahead.unsigned_abs();
    let units = [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)];
    let amount = match units.into_iter().find(|(_, length)| seconds >= 2 * length) {
        Some((unit, length)) => format!("{} {unit}", (seconds + length / 2) / length),
        None if seconds == 1 => "1 second".to_owned(),
        None => format!("{seconds} seconds"),
    };
    if seconds_ahead > 0 { format!("in {amount}") } else { format!("{amount} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words_uses_the_largest_unit_of_which_there_are_two() {
        for (seconds, words) in [
            (0, "0 seconds ago"),
            (1, "in 1 second"),
            (-1, "1 second ago"),
            (90, "in 90 seconds"),
            (-119, "119 seconds ago"),
            (120, "in 2 minutes"),
            (-3_599, "60 minutes ago"),
            (7_200, "in 2 hours"),
            (-200_000, "2 days ago"),
            (i64::MIN, "106751991167301 days ago"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }
}
