//! Reads the response to `check`, and that to `complete`, which has the same content.

use scanlogin_protocol::wire::{Person, Status};
use std::rc::Rc;

use crate::client::reader::{FieldError, JsonValue, Reader};
use crate::session::{CheckResponse, ScannedResult, StatusUpdate};

/// Reads the `data` of a response to `check`. `raw` is the same data, unread.
///
/// # Errors
///
/// The first invalid field.
pub(super) fn read_check<V: JsonValue>(fields: &Reader<V>, raw: V) -> Result<CheckResponse<V>, FieldError> {
    let result = fields.value("scannedResult").map(read_scanned_result);
    let status = fields.required("status", "a whole number", fields.i32("status")).and_then(Status::read);
    let ticket = fields.text("ticket").filter(|ticket| !ticket.is_empty());
    if status == Some(Status::Authorised) {
        fields.required("ticket", "a string that is not empty", ticket.as_ref());
    }
    let number = if status == Some(Status::Scanned) { fields.read("number", "two digits", two_digits) } else { None };
    fields.finish()?;
    let update = match status {
        None => StatusUpdate::Unknown,
        Some(Status::Expired) => StatusUpdate::Expired,
        Some(Status::Unused) => StatusUpdate::Unused,
        Some(Status::Scanned) => StatusUpdate::Scanned { number },
        Some(Status::Authorised) => StatusUpdate::Authorised { ticket: ticket.unwrap_or_default().into() },
        Some(Status::Cancelled) => StatusUpdate::Cancelled,
        Some(Status::NeedsMfa) => StatusUpdate::NeedsMfa(result),
        Some(Status::Failed) => StatusUpdate::Failed(result),
    };
    let user_info = fields.value("userInfo");
    // The user is passed on unread. The fields that the widget reads may be absent or have another type: no error.
    let user = Reader::of(user_info.clone());
    let person = Rc::new(Person { nickname: user.text("nickname"), photo: user.text("photo") });
    let has_token = user.text("token").is_some_and(|token| !token.is_empty());
    Ok(CheckResponse { update, person, has_token, user_info: user_info.unwrap_or_else(V::empty_object), raw })
}

/// Reads the number that the person chooses on the phone. It is shown as it is, so that it has to be exactly two digits.
fn two_digits(value: &impl JsonValue) -> Option<Rc<str>> {
    let text = value.text()?;
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.into())
}

/// Reads `scannedResult`. Servers write its text as `message`, as `errmsg`, or as both.
fn read_scanned_result<V: JsonValue>(raw: V) -> ScannedResult<V> {
    let result = Reader::of(Some(raw.clone()));
    let message = result.text("message").or_else(|| result.text("errmsg")).filter(|message| !message.is_empty());
    ScannedResult { code: result.i32("code"), message, data: result.value("data"), raw }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::super::tests::{Json, check, read};
    use super::*;
    use crate::error::ErrorCode;
    use crate::session::{Reply, Request};
    use scanlogin_protocol::wire::{self, CheckData};
    use serde_json::json;

    #[test]
    fn read_check_reads_what_serde_writes() {
        let written = CheckData {
            random: Some("r".to_owned()),
            status: 2,
            ticket: Some("t".to_owned()),
            user_info: Some(json!({ "nickname": "n", "photo": "p", "token": "jwt" })),
            scanned_user_id: None,
            scanned_result: None,
            number: None,
        };
        let read = check(serde_json::to_value(&written).unwrap()).unwrap();
        let person = Person { nickname: Some("n".to_owned()), photo: Some("p".to_owned()) }.into();
        assert_eq!(
            (read.update, read.person, read.has_token),
            (StatusUpdate::Authorised { ticket: "t".into() }, person, true)
        );
        let result =
            wire::ScannedResult { code: Some(7), message: None, errmsg: Some("no".to_owned()), data: Some(json!(1)) };
        let result = serde_json::to_value(&result).unwrap();
        let written = CheckData { status: 4, scanned_result: Some(result.clone()), ..written };
        let StatusUpdate::NeedsMfa(Some(read)) = check(serde_json::to_value(&written).unwrap()).unwrap().update else {
            panic!()
        };
        assert_eq!(
            read,
            ScannedResult { code: Some(7), message: Some("no".to_owned()), data: Some(json!(1)), raw: result }
        );
    }

    #[test]
    fn number_has_exactly_two_digits_and_belongs_to_a_scan() {
        let scanned = |number: Json| check(json!({ "status": 1, "number": number }));
        for number in ["00", "47", "99"] {
            let update = scanned(json!(number)).unwrap().update;
            assert_eq!(update, StatusUpdate::Scanned { number: Some(number.into()) });
        }
        assert_eq!(scanned(json!(null)).unwrap().update, StatusUpdate::Scanned { number: None });
        for number in
            [json!(""), json!("4"), json!("470"), json!("4 "), json!("<b"), json!("\u{664}"), json!(47), json!([4, 7])]
        {
            let error = scanned(number.clone()).unwrap_err();
            assert!(error.message().ends_with("`data.number` must be two digits"), "{number} {}", error.message());
        }
        for status in [0, 3, -1] {
            assert!(check(json!({ "status": status, "number": "<b>" })).is_ok(), "{status}");
        }
    }

    #[test]
    fn complete_is_read_as_a_check() {
        let request = Request::Complete { random: "r".into(), response_code: "c".into(), poll_token: Some("t".into()) };
        let reply = read(&request, json!({ "random": "r", "status": 2, "ticket": "t", "userInfo": {} })).unwrap();
        let Reply::Checked(CheckResponse { update, .. }) = reply else { panic!("{reply:?}") };
        assert_eq!(update, StatusUpdate::Authorised { ticket: "t".into() });
    }

    #[test]
    fn has_token_requires_a_string_that_is_not_empty() {
        let has_token = |user| check(json!({ "status": 1, "userInfo": user })).unwrap().has_token;
        assert!(has_token(json!({ "token": "jwt" })));
        for user in [json!(null), json!({}), json!({ "token": null }), json!({ "token": "" }), json!({ "token": 5 })] {
            assert!(!has_token(user.clone()), "{user}");
        }
    }

    #[test]
    fn authorised_status_without_a_ticket_is_a_bad_answer() {
        for ticket in [json!(null), json!("")] {
            let error = check(json!({ "status": 2, "ticket": ticket, "userInfo": {} })).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadAnswer);
        }
        let checked = check(json!({ "status": 6, "ticket": "t", "userInfo": {} })).unwrap();
        assert_eq!(checked.update, StatusUpdate::Authorised { ticket: "t".into() });
    }

    #[test]
    fn null_user_becomes_an_empty_object_and_other_users_are_passed_on_unchanged() {
        let checked = check(json!({ "status": 1, "userInfo": null })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Rc::new(Person::default()), json!({})));
        let unusual = json!({ "nickname": 7, "extra": [1] });
        let checked = check(json!({ "status": 1, "userInfo": unusual })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Rc::new(Person::default()), unusual));
    }

    #[test]
    fn text_of_scanned_result_is_read_from_message_and_errmsg() {
        for name in ["errmsg", "message"] {
            let checked = check(json!({ "status": 5, "scannedResult": { "code": 1, name: "blocked" } })).unwrap();
            let StatusUpdate::Failed(Some(result)) = checked.update else { panic!("{:?}", checked.update) };
            assert_eq!((result.code, result.message.as_deref()), (Some(1), Some("blocked")));
        }
    }

    #[test]
    fn unknown_status_is_an_unknown_update() {
        assert_eq!(check(json!({ "status": 42 })).unwrap().update, StatusUpdate::Unknown);
    }
}
