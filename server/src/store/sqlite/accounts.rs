//! What is remembered of users.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params};
use scanlogin_protocol::wire::Requester;

use super::columns::time;
use crate::store::Account;
use crate::store::user::User;

pub(super) fn read(connection: &Connection, user_pool_id: &str, id: &str) -> rusqlite::Result<Option<Account>> {
    connection
        .prepare_cached(
            "SELECT signed_up, logins_count, last_ip, blocked FROM users
             WHERE user_pool_id IN (:user_pool_id, '') AND id = :id
             ORDER BY user_pool_id DESC LIMIT 1",
        )?
        .query_row(named_params! { ":user_pool_id": user_pool_id, ":id": id }, of_row)
        .optional()
}

pub(super) fn set_blocked(
    connection: &mut Connection,
    user_pool_id: &str,
    id: &str,
    blocked: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    give_pool(&transaction, user_pool_id, id)?;
    transaction
        .prepare_cached(
            "INSERT INTO users (user_pool_id, id, signed_up, logins_count, last_ip, blocked)
             VALUES (:user_pool_id, :id, :now, 0, '', :blocked)
             ON CONFLICT (user_pool_id, id) DO UPDATE SET blocked = excluded.blocked",
        )?
        .execute(named_params! {
            ":user_pool_id": user_pool_id,
            ":id": id,
            ":now": now.as_millisecond(),
            ":blocked": blocked,
        })?;
    transaction.commit()
}

/// `user` has signed in once more, in the browser of `requester`.
pub(super) fn count_sign_in(
    transaction: &Transaction<'_>,
    user: &User,
    requester: &Requester,
    now: Timestamp,
) -> rusqlite::Result<Account> {
    give_pool(transaction, &user.user_pool_id, &user.id)?;
    transaction
        .prepare_cached(
            "INSERT INTO users (user_pool_id, id, signed_up, logins_count, last_ip)
             VALUES (:user_pool_id, :id, :now, 1, :ip)
             ON CONFLICT (user_pool_id, id) DO UPDATE SET
                 signed_up = CASE logins_count WHEN 0 THEN excluded.signed_up ELSE signed_up END,
                 logins_count = logins_count + 1,
                 last_ip = excluded.last_ip
             RETURNING signed_up, logins_count, last_ip, blocked",
        )?
        .query_row(
            named_params! {
                ":user_pool_id": user.user_pool_id,
                ":id": user.id,
                ":now": now.as_millisecond(),
                ":ip": requester.ip,
            },
            of_row,
        )
}

/// A user whom an older version knew has no pool. Theirs is the first in which their id comes again: there was only one.
fn give_pool(transaction: &Transaction<'_>, user_pool_id: &str, id: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE OR IGNORE users SET user_pool_id = :user_pool_id WHERE user_pool_id = '' AND id = :id")?
        .execute(named_params! { ":user_pool_id": user_pool_id, ":id": id })?;
    Ok(())
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        signed_up: time(row, "signed_up")?,
        logins_count: row.get("logins_count")?,
        last_ip: row.get("last_ip")?,
        is_blocked: row.get("blocked")?,
    })
}
