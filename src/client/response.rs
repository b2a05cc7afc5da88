//! From an HTTP answer to a [`Reply`], or to an [`Error`] that says what was wrong with it.
//!
//! Whatever a server sends, HTML, half a document, nothing, ends here in one of the two. Deliberately absent: fetching.

use core::time::Duration;
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{GeneData, Person, Scene, Status, code, header};
use std::rc::Rc;

use crate::client::reader::{Fault, JsonValue, Reader};
use crate::client::writer;
use crate::error::{Error, Refusal};
use crate::format::Format;
use crate::session::{CheckResponse, Code, Picture, Reply, Request, ScannedResult, StatusUpdate, Symbol};

/// An HTTP answer. `body` is `None` when it is not JSON.
#[derive(Debug)]
pub struct HttpResponse<V> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, when it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Option<V>,
}

impl<V: JsonValue> HttpResponse<V> {
    /// Reads the answer to `request`. A code is drawn in `format`; with `None` the page shows it by itself.
    ///
    /// # Errors
    ///
    /// What the server refused, in what the answer differs from the protocol, or why the code can't be drawn.
    pub fn read(&self, request: &Request, format: Option<&Format>) -> Result<Reply<V>, Error> {
        let data = self.data()?;
        let fields = Reader::of(Some(data.clone()));
        Ok(match request {
            Request::Gene(scene) => {
                let gene = gene(&fields).map_err(|fault| self.bad_field(&fault))?;
                Reply::Code(self.code(*scene, gene, format)?)
            }
            Request::Check { .. } => Reply::Checked(checked(&fields, data).map_err(|fault| self.bad_field(&fault))?),
            Request::Exchange { .. } => Reply::User(data),
        })
    }

    /// The content of a success, unread.
    ///
    /// # Errors
    ///
    /// What the server refused, or that the answer is no envelope.
    pub fn data(&self) -> Result<V, Error> {
        let envelope = Reader::of(self.body.clone());
        let code = envelope.i32("code");
        if let (Some(code::OK), Some(data), 200..300) = (code, envelope.value("data"), self.status) {
            return Ok(data);
        }
        let (message, reason) = (envelope.text("message"), envelope.text("reason"));
        let refusal = code.map(|code| Refusal { code, message, reason });
        Err(Error::of_reply(self.status, self.retry_after, refusal))
    }

    /// The error of a success with a wrong field: it names the field.
    fn bad_field(&self, Fault { field, must_be }: &Fault) -> Error {
        let mut error = self.bad();
        error.message = ["data.", field, " must be ", must_be].concat();
        error
    }

    /// The error of a success that is not what the protocol describes.
    fn bad(&self) -> Error {
        Error::of_reply(self.status, self.retry_after, None)
    }

    fn code(&self, scene: Scene, gene: GeneData<V>, format: Option<&Format>) -> Result<Code, Error> {
        Ok(Code {
            random: gene.random.as_str().into(),
            url: gene.url.as_deref().unwrap_or_default().into(),
            // One that can't be sent back would fail every poll.
            poll_token: gene.poll_token.as_deref().filter(|token| header::is_value(token)).map(Rc::from),
            lifetime: gene.expires_in.map_or(CODE_LIFETIME, |seconds| Duration::from_secs(seconds.into())),
            picture: format.map(|format| self.picture(scene, gene, format)).transpose()?,
        })
    }

    fn picture(&self, scene: Scene, gene: GeneData<V>, format: &Format) -> Result<Rc<Picture>, Error> {
        let url = gene.url.as_deref().filter(|url| !url.is_empty()).map(Rc::from);
        let image = |url, fallback| Ok(Rc::new(Picture::Image { url, fallback }));
        // Codes of WeChat are made by WeChat: nobody else can draw them.
        if scene != Scene::App {
            return url.map_or_else(|| Err(self.bad()), |url| image(url, None));
        }
        let custom_logo = gene.custom_logo.as_deref().filter(|logo| !logo.is_empty());
        let logo = format.logo.clone().or_else(|| custom_logo.map(Rc::from));
        let is_complete = gene.is_complete();
        let drawn = self.draw(&Payload::of(gene), Format { logo, ..*format });
        match url {
            Some(url) if !is_complete || format.is_image => image(url, drawn.ok()),
            Some(_) | None => drawn,
        }
    }

    fn draw(&self, payload: &Payload<V>, format: Format) -> Result<Rc<Picture>, Error> {
        let text = V::to_text(&writer::payload(payload)).ok_or_else(|| self.bad())?;
        Ok(Rc::new(Picture::Drawn(Symbol { drawing: format.draw(&text)?, logo: format.logo })))
    }
}

/// Reads the `data` of a response to `gene`.
///
/// # Errors
///
/// The first field that is wrong.
pub(crate) fn gene<V: JsonValue>(fields: &Reader<V>) -> Result<GeneData<V>, Fault> {
    let random = fields.text("random").filter(|random| !random.is_empty());
    let gene = GeneData {
        random: fields.required("random", "a string that is not empty", random).unwrap_or_default(),
        expires_in: fields.u32("expiresIn"),
        url: fields.text("url"),
        custom_logo: fields.text("customLogo"),
        scene: fields.text("scene").and_then(|scene| Scene::read(&scene)),
        user_pool_id: fields.text("userPoolId"),
        created_at: fields.text("createdAt"),
        expire_at: fields.text("expireAt"),
        custom_data: fields.value("customData"),
        poll_token: fields.text("pollToken"),
    };
    fields.finish()?;
    Ok(gene)
}

fn checked<V: JsonValue>(check: &Reader<V>, raw: V) -> Result<CheckResponse<V>, Fault> {
    let result = check.value("scannedResult").map(outcome);
    let status = check.required("status", "a whole number", check.i32("status")).and_then(Status::read);
    let ticket = check.text("ticket").filter(|ticket| !ticket.is_empty());
    if status == Some(Status::Authorised) {
        check.required("ticket", "a string that is not empty", ticket.as_ref());
    }
    check.finish()?;
    let update = match status {
        None => StatusUpdate::Unknown,
        Some(Status::Expired) => StatusUpdate::Expired,
        Some(Status::Unused) => StatusUpdate::Unused,
        Some(Status::Scanned) => StatusUpdate::Scanned,
        Some(Status::Authorised) => StatusUpdate::Authorised { ticket: ticket.unwrap_or_default().into() },
        Some(Status::Cancelled) => StatusUpdate::Cancelled,
        Some(Status::NeedsMfa) => StatusUpdate::NeedsMfa(result),
        Some(Status::Failed) => StatusUpdate::Failed(result),
    };
    let user_info = check.value("userInfo");
    // A user is handed through; what a person sees of it is read as far as it goes.
    let user = Reader::of(user_info.clone());
    let person = Rc::new(Person { nickname: user.text("nickname"), photo: user.text("photo") });
    let has_token = user.text("token").is_some_and(|token| !token.is_empty());
    Ok(CheckResponse { update, person, has_token, user_info: user_info.unwrap_or_else(V::empty_object), raw })
}

fn outcome<V: JsonValue>(raw: V) -> ScannedResult<V> {
    let result = Reader::of(Some(raw.clone()));
    let message = result.text("message").or_else(|| result.text("errmsg")).filter(|message| !message.is_empty());
    ScannedResult { code: result.i32("code"), message, data: result.value("data"), raw }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use scanlogin_protocol::wire::{self, CheckData};
    use scanlogin_qr::{Drawing, Level};
    use serde_json::json;

    type Json = serde_json::Value;

    const FORMAT: Format = Format { width: 240, logo: None, is_image: false };

    fn read(request: &Request, data: Json) -> Result<Reply<Json>, Error> {
        let body = Some(json!({ "code": 200, "message": "ok", "data": data }));
        HttpResponse { status: 200, retry_after: None, body }.read(request, Some(&FORMAT))
    }

    fn code(data: Json) -> Code {
        match read(&Request::Gene(Scene::App), data) {
            Ok(Reply::Code(code)) => code,
            other => panic!("{other:?}"),
        }
    }

    fn check(data: Json) -> Result<CheckResponse<Json>, Error> {
        let request = Request::Check { random: "r".into(), poll_token: None, hold: None };
        match read(&request, data)? {
            Reply::Checked(checked) => Ok(checked),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_of_gene_is_read_as_the_server_writes_it_and_without_our_additions() {
        let text = |text: &str| Some(text.to_owned());
        let written = GeneData {
            random: "r".to_owned(),
            expires_in: Some(120),
            url: text("u"),
            custom_logo: text("l"),
            scene: Some(Scene::App),
            user_pool_id: text("p"),
            created_at: text("a"),
            expire_at: text("b"),
            custom_data: Some(json!({ "c": 1 })),
            poll_token: text("t"),
        };
        let of = |answer: Json| gene(&Reader::of(Some(answer)));
        assert_eq!(of(serde_json::to_value(&written).unwrap()), Ok(written));
        let least = of(json!({ "random": "r", "expiresIn": 120, "url": "u" })).unwrap();
        assert_eq!((least.expires_in, least.poll_token, least.scene), (Some(120), None, None));
    }

    #[test]
    fn an_answer_of_check_is_read_as_the_server_writes_it() {
        let written = CheckData {
            random: Some("r".to_owned()),
            status: 2,
            ticket: Some("t".to_owned()),
            user_info: Some(json!({ "nickname": "n", "photo": "p", "token": "jwt" })),
            scanned_user_id: None,
            scanned_result: None,
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
        let StatusUpdate::NeedsMfa(Some(outcome)) = check(serde_json::to_value(&written).unwrap()).unwrap().update
        else {
            panic!()
        };
        assert_eq!(
            outcome,
            ScannedResult { code: Some(7), message: Some("no".to_owned()), data: Some(json!(1)), raw: result }
        );
    }

    #[test]
    fn a_full_answer_of_gene_is_drawn_and_one_with_an_address_is_shown_as_an_image() {
        let full = json!({ "random": "r", "expiresIn": 60, "url": "u", "scene": "APP_AUTH", "userPoolId": "p",
            "createdAt": "a", "expireAt": "b", "customData": {}, "pollToken": "t" });
        let drawn = code(full);
        let text =
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{}}"#;
        let symbol = Symbol { drawing: Drawing::new(text, Level::M).unwrap(), logo: None };
        assert_eq!(drawn.picture, Some(Picture::Drawn(symbol).into()));
        assert_eq!((drawn.lifetime.as_secs(), drawn.poll_token.as_deref()), (60, Some("t")));

        let image = code(json!({ "random": "r", "expiresIn": 120, "url": "u" }));
        assert!(matches!(image.picture.as_deref(), Some(Picture::Image { url, fallback: Some(_) }) if &**url == "u"));
    }

    fn full(extra: Json) -> Json {
        let mut gene = json!({ "random": "r", "expiresIn": 60, "url": "u", "scene": "APP_AUTH", "userPoolId": "p",
            "createdAt": "a", "expireAt": "b" });
        gene.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        gene
    }

    fn picture(data: Json, format: Option<&Format>) -> Result<Option<Rc<Picture>>, Error> {
        let body = Some(json!({ "code": 200, "data": data }));
        match (HttpResponse { status: 200, retry_after: None, body }).read(&Request::Gene(Scene::App), format)? {
            Reply::Code(code) => Ok(code.picture),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_pages_logo_comes_before_the_servers_and_either_raises_the_error_correction() {
        let logo_and_side = |data, format: &Format| match picture(data, Some(format)).unwrap().as_deref() {
            Some(Picture::Drawn(symbol)) => (symbol.logo.clone(), symbol.drawing.side),
            other => panic!("{other:?}"),
        };
        let own = Format { logo: Some("own".into()), ..FORMAT };
        let (none, plain) = logo_and_side(full(json!({})), &FORMAT);
        let (custom, raised) = logo_and_side(full(json!({ "customLogo": "server" })), &FORMAT);
        let (page, _) = logo_and_side(full(json!({ "customLogo": "server" })), &own);
        assert_eq!((none, custom.as_deref(), page.as_deref()), (None, Some("server"), Some("own")));
        assert!(raised > plain);
        let none = logo_and_side(full(json!({ "customLogo": "" })), &FORMAT);
        assert_eq!(none, (None, plain), "an empty one is none");
    }

    #[test]
    fn a_page_that_wants_an_image_gets_the_servers_and_a_drawing_of_the_whole_code_as_its_fallback() {
        let format = Format { is_image: true, ..FORMAT };
        let drawn = picture(full(json!({})), Some(&FORMAT)).unwrap();
        let image = Picture::Image { url: "u".into(), fallback: drawn.clone() };
        assert_eq!(picture(full(json!({})), Some(&format)).unwrap(), Some(image.into()));
        assert_eq!(picture(full(json!({ "url": null })), Some(&format)).unwrap(), drawn, "a server without images");
    }

    #[test]
    fn a_code_that_can_not_be_read_in_its_size_is_an_error_and_no_matter_to_a_page_that_draws_by_itself() {
        let dense = full(json!({ "customData": { "note": "x".repeat(600) } }));
        let error = picture(dense.clone(), Some(&Format { width: 160, ..FORMAT })).unwrap_err();
        assert_eq!((error.code, error.is_temporary), (ErrorCode::CodeTooDense, false));
        assert_eq!(picture(dense, None).unwrap(), None);
    }

    #[test]
    fn a_user_with_a_token_is_whole() {
        let has_token = |user| check(json!({ "status": 1, "userInfo": user })).unwrap().has_token;
        assert!(has_token(json!({ "token": "jwt" })));
        for user in [json!(null), json!({}), json!({ "token": null }), json!({ "token": "" }), json!({ "token": 5 })] {
            assert!(!has_token(user.clone()), "{user}");
        }
    }

    #[test]
    fn a_code_of_wechat_is_its_image_or_nothing() {
        let gene = |data| read(&Request::Gene(Scene::WechatMiniProgram), data);
        let code = gene(json!({ "random": "r", "url": "u" }));
        let Ok(Reply::Code(Code { picture, .. })) = code else { panic!("{code:?}") };
        assert_eq!(picture, Some(Picture::Image { url: "u".into(), fallback: None }.into()));
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
            let error = HttpResponse { status: 200, retry_after: None, body: body.clone() }
                .read(&request, Some(&FORMAT))
                .unwrap_err();
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
        assert_eq!(checked.update, StatusUpdate::Authorised { ticket: "t".into() });
    }

    #[test]
    fn a_user_of_null_is_an_empty_user_and_a_strange_one_is_handed_through() {
        let checked = check(json!({ "status": 1, "userInfo": null })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Rc::new(Person::default()), json!({})));
        let strange = json!({ "nickname": 7, "extra": [1] });
        let checked = check(json!({ "status": 1, "userInfo": strange })).unwrap();
        assert_eq!((checked.person, checked.user_info), (Rc::new(Person::default()), strange));
    }

    #[test]
    fn the_text_of_a_failure_is_read_under_both_its_names() {
        for name in ["errmsg", "message"] {
            let checked = check(json!({ "status": 5, "scannedResult": { "code": 1, name: "blocked" } })).unwrap();
            let StatusUpdate::Failed(Some(outcome)) = checked.update else { panic!("{:?}", checked.update) };
            assert_eq!((outcome.code, outcome.message.as_deref()), (Some(1), Some("blocked")));
        }
    }

    #[test]
    fn an_unknown_status_is_no_news() {
        assert_eq!(check(json!({ "status": 42 })).unwrap().update, StatusUpdate::Unknown);
    }

    #[test]
    fn a_refusal_keeps_its_words_and_retry_after() {
        let body = Some(json!({ "code": 429, "message": "slow down", "reason": "rate-limited" }));
        let answer = HttpResponse { status: 429, retry_after: Some(Duration::from_secs(7)), body };
        let error = answer.read(&Request::Gene(Scene::App), Some(&FORMAT)).unwrap_err();
        assert_eq!((error.code, error.retry_after), (ErrorCode::RateLimited, Some(Duration::from_secs(7))));
        assert_eq!((error.message.as_str(), error.reason.as_deref()), ("slow down", Some("rate-limited")));
    }
}
