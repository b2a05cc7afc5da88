//! The SQLite database file: its permissions, its lock, its schema version, and connections to it.

use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rusqlite_migration::{Error as MigrationError, M, MigrationDefinitionError, Migrations};

use crate::file_lock::lock_within;
use crate::store::StoreError;

/// The schema migrations, oldest first.
///
/// Invariant: a released migration never changes.
const SCHEMA: [M<'_>; 5] = [
    M::up(include_str!("schema/1-codes-and-users.sql")),
    M::up(include_str!("schema/2-pools-and-keys.sql")),
    M::up(include_str!("schema/3-codes-in-order.sql")),
    M::up(include_str!("schema/4-same-device.sql")),
    M::up(include_str!("schema/5-number-seed.sql")),
];
/// The schema version that added the `keys` table. Files of earlier versions contain no keys.
#[cfg(unix)]
const FIRST_VERSION_WITH_KEYS: i64 = 2;

/// Locks the file at `path` against other servers. The lock lasts until the returned [`File`] is dropped or the process
/// ends, even by a crash. If another server holds the lock, this function retries for `timeout` and blocks the thread.
///
/// The lock is on a separate file, `<path>-lock`. SQLite loses its own locks on the database file when the same process
/// closes another handle to that file.
pub(super) fn claim(path: &Path, timeout: Duration) -> Result<File, StoreError> {
    // A symbolic link and its target share one lock file. `canonicalize` fails if the database file does not exist yet.
    let mut lock_path = path.canonicalize().unwrap_or_else(|_| path.to_owned()).into_os_string();
    lock_path.push("-lock");
    let lock = private().open(&lock_path).map_err(StoreError::new)?;
    let is_locked = lock_within(&lock, timeout, || {
        tracing::warn!(file = %path.display(), "another server uses it; waiting for that one to end");
    });
    match is_locked {
        Ok(true) => Ok(lock),
        Ok(false) => {
            Err(StoreError::new("another server uses it; stop that one, or keep codes in Redis, which servers share"))
        }
        Err(error) => Err(StoreError::new(error)),
    }
}

/// Opens the read-write connection to the file at `path`. Creates the file if it does not exist.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    make_private(path).map_err(StoreError::new)?;
    prepare(connect(path)?)
}

/// Configures a read-write connection and migrates its database to the newest schema version.
pub(super) fn prepare(mut connection: Connection) -> Result<Connection, StoreError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode a power failure can lose the last transactions. It does not corrupt the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Migrations::from_slice(&SCHEMA).to_latest(&mut connection).map_err(|error| match error {
        MigrationError::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::new("a newer version of this server wrote it; start that version, or name another file")
        }
        error => StoreError::new(error),
    })?;
    Ok(connection)
}

/// Opens a read-only connection. If the database is busy, its reads fail without a wait.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

/// Whether `result` is `SQLITE_BUSY`: another connection holds a lock that this operation needs.
pub(super) fn is_busy<T>(result: &rusqlite::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Creates the file if it does not exist. The file will contain keys, so its mode is `0600` on Unix.
///
/// A file of an older version, which has no `keys` table, gets the same mode. A file that already has the table keeps its
/// mode, because an administrator may have changed it on purpose.
fn make_private(path: &Path) -> Result<(), Box<dyn core::error::Error>> {
    private().open(path)?;
    #[cfg(unix)]
    {
        // This connection is closed before the mode changes. SQLite creates the `-wal` and `-shm` files with the mode of
        // the database file, so they must be created after the change.
        let version: i64 = connect(path)?.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version < FIRST_VERSION_WITH_KEYS {
            std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Options that open a file for writing and create it if it does not exist. A new file has mode `0600` on Unix.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
