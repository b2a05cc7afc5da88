//! Conversions of column values. A time is stored in milliseconds since 1970 (UTC), a structured value as JSON.

use core::fmt::Display;

use jiff::Timestamp;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{Row, RowIndex};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) fn time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Timestamp> {
    let column = column.idx(row.as_ref())?;
    Timestamp::from_millisecond(row.get(column)?).map_err(|error| unreadable(row, column, error))
}

/// Like [`time`], and `None` for `NULL`.
pub(super) fn optional_time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<Timestamp>> {
    let column = column.idx(row.as_ref())?;
    if row.get_ref(column)? == ValueRef::Null { Ok(None) } else { time(row, column).map(Some) }
}

pub(super) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    let column = column.idx(row.as_ref())?;
    let json = row.get_ref(column)?.as_str().map_err(|error| unreadable(row, column, error))?;
    serde_json::from_str(json).map_err(|error| unreadable(row, column, error))
}

/// The error for a stored value that can't be converted. It names the column.
pub(super) fn unreadable(row: &Row<'_>, column: usize, cause: impl Display) -> rusqlite::Error {
    let name = row.as_ref().column_name(column).unwrap_or("?");
    let kind = row.get_ref(column).map_or(Type::Null, |value| value.data_type());
    rusqlite::Error::FromSqlConversionFailure(column, kind, format!("column {name}: {cause}").into())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use serde_json::Value;

    use super::*;

    #[test]
    fn error_of_an_unreadable_value_names_its_column_and_type() {
        let connection = Connection::open_in_memory().unwrap();
        let error = |read: fn(&Row<'_>) -> rusqlite::Result<()>| {
            let select = "SELECT 1 AS random, '{' AS owner, 9223372036854775807 AS created_at";
            connection.query_row(select, [], read).unwrap_err().to_string()
        };
        for (message, column, kind) in [
            (error(|row| from_json::<Value>(row, 1).map(drop)), "owner", "Text"),
            (error(|row| from_json::<Value>(row, "owner").map(drop)), "owner", "Text"),
            (error(|row| time(row, 2).map(drop)), "created_at", "Integer"),
            (error(|row| optional_time(row, "created_at").map(drop)), "created_at", "Integer"),
        ] {
            let index = if column == "owner" { 1 } else { 2 };
            let begin = format!("Conversion error from type {kind} at index: {index}, column {column}: ");
            assert!(message.starts_with(&begin), "{message}");
        }
    }
}
