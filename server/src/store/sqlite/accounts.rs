//! Queries on the table `users`, which holds one account for each user.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params};
use scanlogin_protocol::wire::Requester;

use super::columns::time;
use crate::store::Account;
use crate::store::user::User;

/// The account of the user `id` in a pool. If it does not exist, returns the account that an older version stored for `id`
/// without a pool. `None` if there is neither.
pub(super) fn read(connection: &Connection, user_pool_id: &str, id: &str) -> rusqlite::Result<Option<Account>> {
    connection
        .prepare_cached(
            "SELECT signed_up, logins_count, last_ip, blocked FROM users
             WHERE user_pool_id IN (:user_pool_id, '') AND id = :id
             ORDER BY user_pool_id DESC LIMIT 1",
        )?
        .query_row(named_params! { ":user_pool_id": user_pool_id, ":id": id }, from_row)
        .optional()
}

/// Blocks or unblocks a user. Creates the account, with 0 sign-ins, if it does not exist.
pub(super) fn set_blocked(
    connection: &mut Connection,
    user_pool_id: &str,
    id: &str,
    blocked: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    assign_pool(&transaction, user_pool_id, id)?;
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

/// Counts a sign-in of `user` and stores the IP address of `requester`. Returns the updated account.
///
/// The first sign-in sets `signed_up`, also for an account that was created by [`set_blocked`].
pub(super) fn count_sign_in(
    transaction: &Transaction<'_>,
    user: &User,
    requester: &Requester,
    now: Timestamp,
) -> rusqlite::Result<Account> {
    assign_pool(transaction, &user.user_pool_id, &user.id)?;
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
            from_row,
        )
}

/// Assigns an account without a pool to the pool `user_pool_id`.
///
/// Older versions had one pool and did not store its id. The first pool in which the user id appears again is that pool.
/// Does nothing if the user already has an account in `user_pool_id`.
fn assign_pool(transaction: &Transaction<'_>, user_pool_id: &str, id: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE OR IGNORE users SET user_pool_id = :user_pool_id WHERE user_pool_id = '' AND id = :id")?
        .execute(named_params! { ":user_pool_id": user_pool_id, ":id": id })?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        signed_up: time(row, "signed_up")?,
        logins_count: row.get("logins_count")?,
        last_ip: row.get("last_ip")?,
        is_blocked: row.get("blocked")?,
    })
}
