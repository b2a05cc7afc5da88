//! Store addresses: the values of `--store`.

use core::fmt;
use core::str::FromStr;
use std::path::PathBuf;

use redis::IntoConnectionInfo as _;

use crate::secrets::Secret;

/// The address of a store.
#[derive(Debug, Clone)]
pub enum StoreAddress {
    /// `sqlite:PATH`: an SQLite file, for one server.
    Sqlite(PathBuf),
    /// `sqlite::memory:`. The data is lost when the process ends.
    SqliteInMemory,
    /// `redis://…` or `rediss://…`: a Redis that several servers share.
    Redis(RedisAddress),
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(formatter, "sqlite:{}", path.display()),
            Self::SqliteInMemory => formatter.write_str("sqlite::memory:"),
            Self::Redis(address) => address.fmt(formatter),
        }
    }
}

impl FromStr for StoreAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("redis://") || text.starts_with("rediss://") {
            return text.parse().map(Self::Redis);
        }
        match text.strip_prefix("sqlite:") {
            Some(":memory:") => Ok(Self::SqliteInMemory),
            Some(path) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            _ => Err("expected sqlite:PATH, sqlite::memory: or redis://HOST"),
        }
    }
}

/// The URL of a Redis, with its credentials. `Display` and `Debug` omit the credentials.
#[derive(Debug, Clone)]
pub struct RedisAddress {
    whole: Secret,
    shown: String,
}

impl RedisAddress {
    /// The whole URL, including the credentials. Only for connecting.
    pub fn expose(&self) -> &str {
        self.whole.expose()
    }
}

impl fmt::Display for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl FromStr for RedisAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or rediss://…";
        text.into_connection_info().map_err(|_| WRONG)?;
        let url = redis::parse_redis_url(text).ok_or(WRONG)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(WRONG);
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{}{port}{}", url.scheme(), url.host_str().ok_or(WRONG)?, url.path());
        Ok(Self { whole: Secret::new(text), shown })
    }
}
