//! Queries on the table `keys`.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, named_params};

use super::columns::time;
use crate::store::{KeyPurpose, StoredKey};

/// All keys of `purpose`, newest first.
pub(super) fn read(connection: &Connection, purpose: KeyPurpose) -> rusqlite::Result<Vec<StoredKey>> {
    connection
        .prepare_cached(
            "SELECT id, algorithm, secret, created_at FROM keys WHERE purpose = ?1
             ORDER BY created_at DESC, id DESC",
        )?
        .query_map([purpose.as_str()], |row| {
            Ok(StoredKey {
                id: row.get("id")?,
                purpose,
                algorithm: row.get("algorithm")?,
                secret: row.get("secret")?,
                created_at: time(row, "created_at")?,
            })
        })?
        .collect()
}

/// The newest stored key with the purpose of `key`. If there is none, inserts `key` and returns it.
pub(super) fn get_or_insert(connection: &mut Connection, key: StoredKey) -> rusqlite::Result<StoredKey> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let key = match read(&transaction, key.purpose)?.into_iter().next() {
        Some(newest) => newest,
        None => {
            write(&transaction, &key)?;
            key
        }
    };
    transaction.commit()?;
    Ok(key)
}

/// Inserts `key`. Fails if a key with the same id exists.
pub(super) fn write(connection: &Connection, key: &StoredKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO keys (id, purpose, algorithm, secret, created_at)
             VALUES (:id, :purpose, :algorithm, :secret, :created_at)",
        )?
        .execute(named_params! {
            ":id": key.id,
            ":purpose": key.purpose.as_str(),
            ":algorithm": key.algorithm,
            ":secret": key.secret,
            ":created_at": key.created_at.as_millisecond(),
        })?;
    Ok(())
}

/// Deletes each key of `purpose` for which a newer key exists that was created before `superseded_before`. Returns the
/// number of deleted keys.
pub(super) fn delete_superseded(
    connection: &Connection,
    purpose: KeyPurpose,
    superseded_before: Timestamp,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM keys WHERE purpose = :purpose AND EXISTS (
                 SELECT 1 FROM keys AS newer
                 WHERE newer.purpose = keys.purpose AND newer.created_at < :superseded_before
                   AND (newer.created_at, newer.id) > (keys.created_at, keys.id)
             )",
        )?
        .execute(named_params! {
            ":purpose": purpose.as_str(),
            ":superseded_before": superseded_before.as_millisecond(),
        })
}
