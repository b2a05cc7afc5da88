//! The file itself: who may read it, whose it is, what version it has, and connections to it.
//!
//! Deliberately absent: what is in it.

use core::time::Duration;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{Error as MigrationError, M, MigrationDefinitionError, Migrations};
use thread_local::ThreadLocal;

use crate::store::StoreError;

/// What made the file what it is, step by step. A step that has been released never changes.
const SCHEMA: [M<'_>; 2] =
    [M::up(include_str!("schema/1-codes-and-users.sql")), M::up(include_str!("schema/2-pools-and-keys.sql"))];
/// Before it there was nothing secret in the file.
#[cfg(unix)]
const FIRST_VERSION_WITH_KEYS: i64 = 2;
/// How long a server rests before it looks again whether the one before it has ended.
const CLAIM_REST: Duration = Duration::from_millis(50);

/// Keeps other servers from the file at `path` until what is returned is dropped or its process ends, however it does.
/// Waits for `timeout` for the server that does so now.
///
/// The lock is on a file beside it: SQLite would lose its own locks if we closed the file itself.
pub(super) fn claim(path: &Path, timeout: Duration) -> Result<File, StoreError> {
    // By whatever name a file is called, it has one lock.
    let mut beside = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
    beside.push("-lock");
    let lock = private().open(&beside).map_err(StoreError::new)?;
    let begin = Instant::now();
    let mut is_told = false;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::Error(error)) => return Err(StoreError::new(error)),
            Err(TryLockError::WouldBlock) if begin.elapsed() < timeout => {
                if !is_told {
                    tracing::warn!(file = %path.display(), "another server uses it; waiting for that one to end");
                    is_told = true;
                }
                sleep(CLAIM_REST);
            }
            Err(TryLockError::WouldBlock) => {
                let error = "another server uses it; stop that one, or keep codes in Redis, which servers share";
                return Err(StoreError::new(error));
            }
        }
    }
}

/// The connection that writes, to the file at `path`, which is made when it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    make_private(path).map_err(StoreError::new)?;
    prepare(connect(path)?)
}

/// Brings what is at the other end of a connection up to date.
pub(super) fn prepare(mut connection: Connection) -> Result<Connection, StoreError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With WAL this loses at most the last moments in a power cut, never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Migrations::from_slice(&SCHEMA).to_latest(&mut connection).map_err(|error| match error {
        MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::new("a newer version of this server wrote it; start that version, or name another file")
        }
        error => StoreError::new(error),
    })?;
    Ok(connection)
}

/// Connections that only read, one for each thread that has read: what a connection remembers is then where its processor
/// is, and not in another one's cache.
pub(super) struct Readers {
    path: PathBuf,
    connections: ThreadLocal<Connection>,
}

impl Readers {
    /// None yet.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), connections: ThreadLocal::new() }
    }

    /// Reads with the one of this thread.
    pub(super) fn with<T>(&self, work: impl Fn(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        work(self.connections.get_or_try(|| self.open())?)
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        Ok(connection)
    }
}

/// Whether somebody else has the file to themselves.
pub(super) fn is_busy<T>(result: &rusqlite::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Makes a file that only its owner may read, since keys will be in it. One that has room for keys already stays as it is:
/// whoever lets others read it since then knows why.
fn make_private(path: &Path) -> Result<(), Box<dyn core::error::Error>> {
    private().open(path)?;
    #[cfg(unix)]
    {
        // Asked over a connection that is closed by then: the files beside this one get its mode when they are made.
        let version: i64 = connect(path)?.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < FIRST_VERSION_WITH_KEYS {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Opens files that only their owner may read, and makes them when they are not there.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
