//! Queries on the table `codes`.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params};
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_protocol::wire::Requester;

use super::columns::{from_json, optional_time, time, to_json, unreadable};
use super::{Redeemed, Redemption, Revision, StoreError, accounts};
use crate::secrets::Hash;
use crate::store::raw_json::RawJson;
use crate::store::record::Record;
use crate::store::user::User;

/// A `SELECT` of the columns that [`read`] expects, in the same order, and of `revision` as the last one.
///
/// [`read`] accesses columns by index, because access by name takes about twice as long.
macro_rules! select_codes {
    ($condition:literal) => {
        concat!(
            "SELECT random, app_id, created_at, expires_at, life, owner, ended_at, ticket_expires_at,
                    response_code_hash, number_seed, return_url, custom_data, requester, poll_token_hash, ticket_hash,
                    revision
             FROM codes WHERE ",
            $condition
        )
    };
}

/// The code `random` and its current revision.
pub(super) fn find(connection: &Connection, random: &str) -> rusqlite::Result<Option<(Arc<Record>, Revision)>> {
    connection
        .prepare_cached(select_codes!("random = ?1"))?
        .query_row([random], |row| Ok((Arc::new(read(row)?), Revision(row.get(15)?))))
        .optional()
}

/// The authorised code whose ticket has the hash `ticket`.
pub(super) fn find_by_ticket(connection: &Connection, ticket: Hash) -> rusqlite::Result<Option<Arc<Record>>> {
    connection
        .prepare_cached(select_codes!("ticket_hash = ?1 AND life = 'authorised'"))?
        .query_row([ticket.as_bytes()], |row| Ok(Arc::new(read(row)?)))
        .optional()
}

/// Inserts `records` in one transaction, which costs little more than a transaction for one record.
///
/// Returns one result for each record, in the same order. If a single record can't be inserted, the others still are.
/// `Err` means that the transaction failed and no record is stored.
pub(super) fn insert_together<'a>(
    connection: &mut Connection,
    records: impl Iterator<Item = &'a Record>,
) -> rusqlite::Result<Vec<Result<(), StoreError>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::new();
    for record in records {
        match insert(&transaction, record) {
            // Some errors, such as a full disk, end the transaction. Later inserts would be stored one by one.
            Err(error) if transaction.is_autocommit() => return Err(error),
            outcome => outcomes.push(outcome.map_err(StoreError::from)),
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let (state, owner) = write_state(&record.state)?;
    connection
        .prepare_cached(
            "INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ended_at,
                                ticket_expires_at, forget_at, response_code_hash, number_seed, return_url,
                                custom_data, requester, poll_token_hash, ticket_hash)
             VALUES (:random, :app_id, :created_at, :expires_at, :life, :owner, :ended_at,
                     :ticket_expires_at, :forget_at, :response_code_hash, :number_seed, :return_url,
                     :custom_data, :requester, :poll_token_hash, :ticket_hash)",
        )?
        .execute(named_params! {
            ":random": record.random,
            ":app_id": record.app_id,
            ":created_at": record.created_at.as_millisecond(),
            ":expires_at": record.expires_at.as_millisecond(),
            ":life": state,
            ":owner": owner,
            ":ended_at": record.ended_at.map(Timestamp::as_millisecond),
            ":ticket_expires_at": record.ticket_expires_at.map(Timestamp::as_millisecond),
            ":forget_at": record.purge_at().as_millisecond(),
            ":response_code_hash": record.response_code_hash.as_ref().map(Hash::as_bytes),
            ":number_seed": record.number_seed.as_ref().map(Hash::as_bytes),
            ":return_url": record.return_url,
            ":custom_data": record.custom_data.as_ref().map(RawJson::as_json),
            ":requester": record.requester.as_json(),
            ":poll_token_hash": record.poll_token_hash.as_bytes(),
            ":ticket_hash": record.ticket_hash.as_bytes(),
        })?;
    Ok(())
}

/// Replaces the stored code if its revision is `expected`, and increments the revision. Returns whether it did.
///
/// Only the state of a code and the columns that depend on it are written. The other columns of a
/// [`Record`] never change.
pub(super) fn swap(connection: &Connection, record: &Record, expected: Revision) -> rusqlite::Result<bool> {
    let (state, owner) = write_state(&record.state)?;
    let changed = connection
        .prepare_cached(
            "UPDATE codes
             SET life = :life, owner = :owner, ended_at = :ended_at, ticket_expires_at = :ticket_expires_at,
                 forget_at = :forget_at, response_code_hash = :response_code_hash, number_seed = :number_seed,
                 revision = revision + 1
             WHERE random = :random AND revision = :expected",
        )?
        .execute(named_params! {
            ":random": record.random,
            ":expected": expected.0,
            ":life": state,
            ":owner": owner,
            ":ended_at": record.ended_at.map(Timestamp::as_millisecond),
            ":ticket_expires_at": record.ticket_expires_at.map(Timestamp::as_millisecond),
            ":forget_at": record.purge_at().as_millisecond(),
            ":response_code_hash": record.response_code_hash.as_ref().map(Hash::as_bytes),
            ":number_seed": record.number_seed.as_ref().map(Hash::as_bytes),
        })?;
    Ok(changed == 1)
}

/// Consumes the ticket of an authorised code of `app_id` and counts the sign-in, in one transaction.
pub(super) fn redeem(
    connection: &mut Connection,
    ticket: Hash,
    app_id: &str,
    now: Timestamp,
) -> rusqlite::Result<Redemption> {
    // Immediate: the transaction takes the write lock before its first read, so it can't fail with "busy" half-way.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let redemption = take_ticket(&transaction, ticket, app_id, now)?;
    transaction.commit()?;
    Ok(redemption)
}

fn take_ticket(
    transaction: &Transaction<'_>,
    ticket: Hash,
    app_id: &str,
    now: Timestamp,
) -> rusqlite::Result<Redemption> {
    let found = transaction
        .prepare_cached(
            "SELECT owner, requester, ticket_used_at, ticket_expires_at FROM codes
             WHERE ticket_hash = :ticket AND app_id = :app_id AND life = 'authorised'",
        )?
        .query_row(named_params! { ":ticket": ticket.as_bytes(), ":app_id": app_id }, |row| {
            let user: User = from_json(row, "owner")?;
            let requester: Requester = from_json(row, "requester")?;
            Ok((user, requester, optional_time(row, "ticket_used_at")?, optional_time(row, "ticket_expires_at")?))
        })
        .optional()?;
    let Some((user, requester, used_at, expires_at)) = found else { return Ok(Redemption::Unknown) };
    if used_at.is_some() {
        return Ok(Redemption::Used);
    }
    if expires_at.is_none_or(|expires_at| expires_at <= now) {
        return Ok(Redemption::Expired);
    }
    if accounts::read(transaction, &user.user_pool_id, &user.id)?.is_some_and(|account| account.is_blocked) {
        return Ok(Redemption::Blocked);
    }
    transaction
        .prepare_cached("UPDATE codes SET ticket_used_at = :now WHERE ticket_hash = :ticket AND life = 'authorised'")?
        .execute(named_params! { ":now": now.as_millisecond(), ":ticket": ticket.as_bytes() })?;
    let account = accounts::count_sign_in(transaction, &user, &requester, now)?;
    Ok(Redemption::Redeemed(Box::new(Redeemed { user, account })))
}

/// Deletes up to `limit` codes whose `forget_at` is not after `now`. Returns their ids (`random`).
pub(super) fn purge_expired(connection: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE forget_at <= ?1 LIMIT ?2)
             RETURNING random",
        )?
        .query_map((now.as_millisecond(), limit), |row| row.get(0))?
        .collect()
}

/// Reads a row of `select_codes!`.
fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        random: row.get(0)?,
        app_id: row.get(1)?,
        created_at: time(row, 2)?,
        expires_at: time(row, 3)?,
        state: read_state(row)?,
        ended_at: optional_time(row, 6)?,
        ticket_expires_at: optional_time(row, 7)?,
        response_code_hash: row.get::<_, Option<[u8; 32]>>(8)?.map(Hash::from_bytes),
        number_seed: row.get::<_, Option<[u8; 32]>>(9)?.map(Hash::from_bytes),
        return_url: row.get(10)?,
        custom_data: row.get::<_, Option<Box<str>>>(11)?.map(RawJson::from_json),
        requester: RawJson::from_json(row.get::<_, Box<str>>(12)?),
        poll_token_hash: Hash::from_bytes(row.get(13)?),
        ticket_hash: Hash::from_bytes(row.get(14)?),
    })
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<CodeState<User>> {
    let owner = || from_json(row, 5);
    let name = row.get_ref(4)?.as_str().map_err(|error| unreadable(row, 4, error))?;
    Ok(match name {
        "unused" => CodeState::Unused,
        "scanned" => CodeState::Scanned(owner()?),
        "opened" => CodeState::Opened(owner()?),
        "returning" => CodeState::Returning(owner()?),
        "authorised" => CodeState::Authorised(owner()?),
        "cancelled" => CodeState::Cancelled(owner()?),
        "failed" => CodeState::Failed(owner()?),
        name => return Err(unreadable(row, 4, format_args!("unknown value {name}"))),
    })
}

/// The values of the columns `life` and `owner`. `owner` is JSON, and `None` for an unused code.
fn write_state(state: &CodeState<User>) -> rusqlite::Result<(&'static str, Option<String>)> {
    let name = match state {
        CodeState::Unused => "unused",
        CodeState::Scanned(_) => "scanned",
        CodeState::Opened(_) => "opened",
        CodeState::Returning(_) => "returning",
        CodeState::Authorised(_) => "authorised",
        CodeState::Cancelled(_) => "cancelled",
        CodeState::Failed(_) => "failed",
    };
    Ok((name, state.owner().map(to_json).transpose()?))
}
