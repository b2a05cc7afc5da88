//! From an HTTP answer to a [`Reply`], or to an [`Error`] that says what was wrong with it.
//!
//! Whatever a server sends, HTML, half a document, nothing, ends here in one of the two. Deliberately absent: fetching.

use core::time::Duration;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Refusal};
use crate::lifecycle::CODE_LIFETIME;
use crate::payload::Payload;
use crate::protocol::{CheckData, Envelope, GeneData, Person, ScannedResult, Scene, Status, code, header};
use crate::qr::{Drawing, EcLevel};
use crate::session::{Checked, Code, News, Outcome, Picture, Reply, Request};

/// A JSON value that is handed through unread: a JavaScript value in the browser, `serde_json::Value` natively.
pub trait Value: Clone + Serialize + DeserializeOwned {
    /// Reads it as a `T`; `None` when it is none.
    fn read<T: DeserializeOwned>(&self) -> Option<T>;
    /// Writes `T` as JSON text without spaces.
    fn to_text<T: Serialize>(value: &T) -> Option<String>;
    /// `{}`.
    fn empty_object() -> Self;
}

/// An HTTP answer. `body` is `None` when it is not JSON.
#[derive(Debug)]
pub struct Answer<V> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, when it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Option<V>,
}

impl<V: Value> Answer<V> {
    /// Reads the answer to `request`.
    ///
    /// # Errors
    ///
    /// What the server refused, or in what the answer differs from the protocol.
    pub fn read(&self, request: &Request) -> Result<Reply<V>, Error> {
        let data = self.data()?;
        let reply = match request {
            Request::Gene(scene) => data.read().and_then(|gene| code_of::<V>(*scene, gene)).map(Reply::Code),
            Request::Check { .. } => data.read().and_then(|check| checked(check, data)).map(Reply::Checked),
            Request::Exchange { .. } => Some(Reply::User(data)),
        };
        reply.ok_or_else(|| Error::of_reply(self.status, self.retry_after, None))
    }

    /// The content of a success, unread.
    ///
    /// # Errors
    ///
    /// What the server refused, or that the answer is no envelope.
    pub fn data(&self) -> Result<V, Error> {
        let envelope: Option<Envelope<V>> = self.body.as_ref().and_then(Value::read);
        match envelope {
            Some(Envelope { code: code::OK, data: Some(data), .. }) if (200..300).contains(&self.status) => Ok(data),
            envelope => {
                let refusal = envelope.map(|Envelope { code, message, reason, .. }| Refusal { code, message, reason });
                Err(Error::of_reply(self.status, self.retry_after, refusal))
            }
        }
    }
}

fn code_of<V: Value>(scene: Scene, gene: GeneData<V>) -> Option<Code> {
    let random: Rc<str> = gene.random.as_str().into();
    let url: Rc<str> = gene.url.clone().unwrap_or_default().into();
    // One that can't be sent back would fail every poll.
    let poll_token = gene.poll_token.as_deref().filter(|token| header::is_value(token)).map(Rc::from);
    let lifetime = gene.expires_in.map_or(CODE_LIFETIME, |seconds| Duration::from_secs(seconds.into()));
    // Codes of WeChat are made by WeChat: nobody else can draw them.
    let (whole, least) = match scene {
        Scene::App => {
            let least = Payload::least(gene.random.clone(), gene.expires_in);
            (Payload::of(gene).and_then(|payload| draw::<V>(&payload)), draw::<V>(&least))
        }
        Scene::WechatMiniProgram | Scene::WechatOfficialAccount => (None, None),
    };
    let picture = match whole {
        Some(drawing) => Picture::Drawn(drawing),
        None if url.is_empty() => Picture::Drawn(least?),
        None => Picture::Image { url: url.clone(), fallback: least },
    };
    (!random.is_empty()).then_some(Code { random, url, lifetime, poll_token, picture: Some(picture) })
}

fn draw<V: Value>(payload: &Payload<V>) -> Option<Rc<Drawing>> {
    let text = V::to_text(payload)?;
    Drawing::new(&text, EcLevel::M).ok().map(Rc::new)
}

fn checked<V: Value>(check: CheckData<V>, raw: V) -> Option<Checked<V>> {
    let news = match Status::read(check.status) {
        None => News::Unknown,
        Some(Status::Expired) => News::Expired,
        Some(Status::Unused) => News::Unused,
        Some(Status::Scanned) => News::Scanned,
        Some(Status::Authorised) => {
            News::Authorised { ticket: check.ticket.filter(|ticket| !ticket.is_empty())?.into() }
        }
        Some(Status::Cancelled) => News::Cancelled,
        Some(Status::NeedsMfa) => News::NeedsMfa(check.scanned_result.map(outcome)),
        Some(Status::Failed) => News::Failed(check.scanned_result.map(outcome)),
    };
    let person = check.user_info.as_ref().and_then(Value::read::<Person>).unwrap_or_default();
    Some(Checked { news, person, user_info: check.user_info.unwrap_or_else(V::empty_object), raw })
}

fn outcome<V: Value>(raw: V) -> Outcome<V> {
    let read: Option<ScannedResult<V>> = raw.read();
    let (code, message, data) = match read {
        Some(result) => (result.code, result.message.or(result.errmsg), result.data),
        None => (None, None, None),
    };
    Outcome { code, message: message.filter(|message| !message.is_empty()), data, raw }
}

#[cfg(not(target_arch = "wasm32"))]
impl Value for serde_json::Value {
    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self).ok()
    }

    fn to_text<T: Serialize>(value: &T) -> Option<String> {
        serde_json::to_string(value).ok()
    }

    fn empty_object() -> Self {
        Self::Object(serde_json::Map::new())
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    type Json = serde_json::Value;

    fn read(request: &Request, data: Json) -> Result<Reply<Json>, Error> {
        let body = Some(json!({ "code": 200, "message": "ok", "data": data }));
        Answer { status: 200, retry_after: None, body }.read(request)
    }

    fn code(data: Json) -> Code {
        match read(&Request::Gene(Scene::App), data) {
            Ok(Reply::Code(code)) => code,
            other => panic!("{other:?}"),
        }
    }

    fn check(data: Json) -> Result<Checked<Json>, Error> {
        let request = Request::Check { random: "r".into(), poll_token: None, hold: None };
        match read(&request, data)? {
            Reply::Checked(checked) => Ok(checked),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_full_answer_of_gene_is_drawn_and_one_with_an_address_is_shown_as_an_image() {
        let full = json!({ "random": "r", "expiresIn": 60, "url": "u", "scene": "APP_AUTH", "userPoolId": "p",
            "createdAt": "a", "expireAt": "b", "customData": {}, "pollToken": "t" });
        let drawn = code(full);
        let text =
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{}}"#;
        assert_eq!(drawn.picture, Some(Picture::Drawn(Rc::new(Drawing::new(text, EcLevel::M).unwrap()))));
        assert_eq!((drawn.lifetime.as_secs(), drawn.poll_token.as_deref()), (60, Some("t")));

        let image = code(json!({ "random": "r", "expiresIn": 120, "url": "u" }));
        assert!(matches!(image.picture, Some(Picture::Image { url, fallback: Some(_) }) if &*url == "u"));
    }

    #[test]
    fn a_code_of_wechat_is_its_image_or_nothing() {
        let gene = |data| read(&Request::Gene(Scene::WechatMiniProgram), data);
        let code = gene(json!({ "random": "r", "url": "u" }));
        let Ok(Reply::Code(Code { picture, .. })) = code else { panic!("{code:?}") };
        assert_eq!(picture, Some(Picture::Image { url: "u".into(), fallback: None }));
        assert_eq!(gene(json!({ "random": "r" })).unwrap_err().code, ErrorCode::BadAnswer);
    }

    #[test]
    fn a_poll_token_that_can_not_be_a_header_is_dropped() {
        for token in ["a\r\nb", "\u{e9}", "\0"] {
            assert_eq!(code(json!({ "random": "r", "url": "u", "pollToken": token })).poll_token, None, "{token:?}");
        }
    }

    #[test]
    fn answers_that_are_not_the_protocol_are_bad_and_may_be_tried_again() {
        let request = Request::Gene(Scene::App);
        for body in [
            None,
            Some(json!(null)),
            Some(json!([])),
            Some(json!("<html>")),
            Some(json!({})),
            Some(json!({ "code": "200" })),
            Some(json!({ "code": 200 })),
            Some(json!({ "code": 200, "data": null })),
            Some(json!({ "code": 200, "data": {} })),
            Some(json!({ "code": 200, "data": { "random": "" } })),
            Some(json!({ "code": 200, "data": { "random": 5 } })),
            Some(json!({ "code": 200, "data": { "random": "r", "expiresIn": "long" } })),
        ] {
            let error = Answer { status: 200, retry_after: None, body: body.clone() }.read(&request).unwrap_err();
            assert_eq!((error.code, error.is_temporary), (ErrorCode::BadAnswer, true), "{body:?}");
        }
    }

    #[test]
    fn a_success_without_a_ticket_is_no_success() {
        for ticket in [json!(null), json!("")] {
            let error = check(json!({ "status": 2, "ticket": ticket, "userInfo": {} })).unwrap_err();
            assert_eq!(error.code, ErrorCode::BadAnswer);
        }
        let checked = check(json!({ "status": 6, "ticket": "t", "userInfo": {} })).unwrap();
        assert_eq!(checked.news, News::Authorised { ticket: "t".into() });
    }

    #[test]
    fn a_user_of_null_is_an_empty_user_and_a_strange_one_is_handed_through() {
        let checked = check(json!({ "status": 1, "userInfo": null })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Person::default(), json!({})));
        let strange = json!({ "nickname": 7, "extra": [1] });
        let checked = check(json!({ "status": 1, "userInfo": strange })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Person::default(), strange));
    }

    #[test]
    fn the_text_of_a_failure_is_read_under_both_its_names() {
        for name in ["errmsg", "message"] {
            let checked = check(json!({ "status": 5, "scannedResult": { "code": 1, name: "blocked" } })).unwrap();
            let News::Failed(Some(outcome)) = checked.news else { panic!("{:?}", checked.news) };
            assert_eq!((outcome.code, outcome.message.as_deref()), (Some(1), Some("blocked")));
        }
    }

    #[test]
    fn an_unknown_status_is_no_news() {
        assert_eq!(check(json!({ "status": 42 })).unwrap().news, News::Unknown);
    }

    #[test]
    fn a_refusal_keeps_its_words_and_retry_after() {
        let body = Some(json!({ "code": 429, "message": "slow down", "reason": "rate-limited" }));
        let answer = Answer { status: 429, retry_after: Some(Duration::from_secs(7)), body };
        let error = answer.read(&Request::Gene(Scene::App)).unwrap_err();
        assert_eq!((error.code, error.retry_after), (ErrorCode::RateLimited, Some(Duration::from_secs(7))));
        assert_eq!((error.message.as_str(), error.reason.as_deref()), ("slow down", Some("rate-limited")));
    }
}
