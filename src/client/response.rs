//! Reads an HTTP response as a [`Reply`] of the session or an [`Error`].
//!
//! A server can send anything: HTML, an incomplete document, or nothing. [`HttpResponse::read`] returns an error for
//! all that is not the protocol, by the table at the end of docs/protocol.md, "Error codes".

use core::time::Duration;
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{GeneData, Person, Scene, Status, code, header};
use std::rc::Rc;

use crate::address;
use crate::client::reader::{FieldError, JsonValue, Reader};
use crate::client::writer::{self, Field};
use crate::error::{Error, ErrorEnvelope};
use crate::format::Format;
use crate::session::{CheckResponse, Code, Link, Reply, Request, ScannedResult, StatusUpdate};
use crate::view_model::{Picture, Symbol};

/// `code` of the envelope of a success.
const OK: u32 = code::OK.cast_unsigned();

/// An HTTP response.
#[derive(Debug)]
pub struct HttpResponse<V> {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`. `None` when it is absent or no number of seconds.
    pub retry_after: Option<Duration>,
    /// The body, parsed as JSON. `None` when it is not JSON.
    pub body: Option<V>,
}

impl<V: JsonValue> HttpResponse<V> {
    /// Reads the response to `request`. `format` describes how a code is shown. `None` means that the page
    /// shows it itself.
    ///
    /// # Errors
    ///
    /// The refusal of the server, the difference from the protocol, or the reason why the code can't be drawn.
    pub fn read(&self, request: &Request, format: Option<&Format>) -> Result<Reply<V>, Error> {
        let data = self.data()?;
        let fields = Reader::of(Some(data.clone()));
        Ok(match request {
            Request::Gene(scene) => {
                let gene = read_gene(&fields).map_err(|error| self.invalid_field(&error))?;
                let link = format.and_then(|_| link(&gene, &data));
                Reply::Code(Code { link, ..self.code(*scene, gene, format)? })
            }
            Request::Check { .. } | Request::Complete { .. } => {
                Reply::Checked(read_check(&fields, data).map_err(|error| self.invalid_field(&error))?)
            }
            Request::Exchange { .. } => Reply::User(data),
        })
    }

    /// Returns the `data` of a success, unread.
    ///
    /// # Errors
    ///
    /// The refusal of the server, or an error for a response that is no envelope.
    pub fn data(&self) -> Result<V, Error> {
        let envelope = Reader::of(self.body.clone());
        let code = envelope.i32("code");
        if let (Some(code::OK), Some(data), 200..300) = (code, envelope.value("data"), self.status) {
            return Ok(data);
        }
        let (message, reason) = (envelope.text("message"), envelope.text("reason"));
        let envelope = code.map(|code| ErrorEnvelope { code, message, reason });
        Err(Error::from_response(self.status, self.retry_after, envelope))
    }

    /// The error for a success with an invalid field. The message names the field.
    fn invalid_field(&self, FieldError { field, must_be }: &FieldError) -> Error {
        let message = ["the response of the server is invalid: `data.", field, "` must be ", must_be].concat();
        self.protocol_error().with_message(message)
    }

    /// The error for a success that does not follow the protocol.
    fn protocol_error(&self) -> Error {
        Error::from_response(self.status, self.retry_after, None)
    }

    fn code(&self, scene: Scene, gene: GeneData<V>, format: Option<&Format>) -> Result<Code, Error> {
        Ok(Code {
            random: gene.random.as_str().into(),
            url: gene.url.as_deref().unwrap_or_default().into(),
            // A poll token that is no valid header value would fail every poll.
            poll_token: gene.poll_token.as_deref().filter(|token| header::is_value(token)).map(Rc::from),
            lifetime: gene.expires_in.map_or(CODE_LIFETIME, |seconds| Duration::from_secs(seconds.into())),
            picture: format.map(|format| self.picture(scene, gene, format)).transpose()?,
            link: None,
            response_code: None,
        })
    }

    /// Draws the code, or takes the image of the server: docs/protocol.md, "Drawing of the code".
    fn picture(&self, scene: Scene, gene: GeneData<V>, format: &Format) -> Result<Rc<Picture>, Error> {
        let url = gene.url.as_deref().filter(|url| !url.is_empty()).map(Rc::from);
        let image = |url, fallback| Ok(Rc::new(Picture::Image { url, fallback }));
        // A code for WeChat exists only as an image that WeChat makes.
        if scene != Scene::App {
            return url.map_or_else(|| Err(self.protocol_error()), |url| image(url, None));
        }
        let custom_logo = gene.custom_logo.as_deref().filter(|logo| !logo.is_empty());
        let logo = format.logo.clone().or_else(|| custom_logo.map(Rc::from));
        let text = link_text(&gene);
        let can_draw = text.is_some() || gene.is_complete();
        let text = text.or_else(|| V::to_text(&writer::payload(&Payload::of(gene))));
        let text = text.ok_or_else(|| self.protocol_error())?;
        let format = Format { logo, ..*format };
        let drawn = format.draw(&text).map(|modules| Rc::new(Picture::Drawn(Symbol { modules, logo: format.logo })));
        match url {
            Some(url) if !can_draw || format.is_image => image(url, drawn.ok()),
            Some(_) | None => drawn,
        }
    }
}

/// The text of a code that is a link. `None` for any other text, as another server may use this name: the text is JSON then.
fn link_text<V>(gene: &GeneData<V>) -> Option<String> {
    let text = gene.text.as_deref().filter(|text| address::is_link(text))?;
    text.strip_suffix(gene.random.as_str())?.ends_with('#').then(|| text.to_owned())
}

/// The link of a code. `None` if there is none, or if its address is none that the widget may show. `data` is that of the
/// response.
fn link<V: JsonValue>(gene: &GeneData<V>, data: &V) -> Option<Rc<Link>> {
    let address = gene.link.as_deref().filter(|address| address::is_link(address))?;
    let response = V::to_text(&[("code", Some(Field::Number(OK))), ("data", Some(Field::JsonValue(data)))])?;
    Some(Rc::new(Link { address: address.into(), response: response.into() }))
}

/// Reads the `data` of a response to `gene`.
///
/// # Errors
///
/// The first invalid field.
fn read_gene<V: JsonValue>(fields: &Reader<V>) -> Result<GeneData<V>, FieldError> {
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
        // Another server may use these names for anything.
        text: fields.value("text").and_then(|text| text.text()),
        link: fields.value("link").and_then(|link| link.text()),
        custom_data: fields.value("customData"),
        poll_token: fields.text("pollToken"),
        // `js/early_code.js` reads them.
        modules: None,
    };
    fields.finish()?;
    Ok(gene)
}

/// Reads the `data` of a response to `check`. `raw` is the same data, unread.
///
/// # Errors
///
/// The first invalid field.
fn read_check<V: JsonValue>(fields: &Reader<V>, raw: V) -> Result<CheckResponse<V>, FieldError> {
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
    use super::*;
    use crate::error::ErrorCode;
    use scanlogin_protocol::wire::{self, CheckData};
    use scanlogin_qr::{Level, Modules};
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
    fn read_gene_reads_what_serde_writes_and_accepts_data_without_additions() {
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
            text: text("https://pass.example.com/s#r"),
            link: text("https://pass.example.com/s#r.return"),
            custom_data: Some(json!({ "c": 1 })),
            poll_token: text("t"),
            modules: None,
        };
        let read = |data: Json| read_gene(&Reader::of(Some(data)));
        assert_eq!(read(serde_json::to_value(&written).unwrap()), Ok(written));
        let minimal = read(json!({ "random": "r", "expiresIn": 120, "url": "u" })).unwrap();
        assert_eq!((minimal.expires_in, minimal.poll_token, minimal.scene), (Some(120), None, None));
    }

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
    fn complete_gene_data_is_drawn_and_other_data_with_a_url_is_an_image() {
        let drawn = code(complete(json!({ "customData": {}, "pollToken": "t" })));
        let text =
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{}}"#;
        let symbol = Symbol { modules: Modules::new(text, Level::M).unwrap(), logo: None };
        assert_eq!(drawn.picture, Some(Picture::Drawn(symbol).into()));
        assert_eq!((drawn.lifetime.as_secs(), drawn.poll_token.as_deref()), (60, Some("t")));

        let image = code(json!({ "random": "r", "expiresIn": 120, "url": "u" }));
        assert!(matches!(image.picture.as_deref(), Some(Picture::Image { url, fallback: Some(_) }) if &**url == "u"));
    }

    /// Complete data of `gene`, from which a code can be drawn.
    fn complete(extra: Json) -> Json {
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
    fn text_that_is_the_link_of_the_code_is_drawn_and_any_other_text_is_ignored() {
        let link = "https://pass.example.com/s#r";
        let modules = |data: Json| match picture(data, Some(&FORMAT)).unwrap().as_deref() {
            Some(Picture::Drawn(symbol)) => symbol.modules.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(modules(complete(json!({ "text": link }))), Modules::new(link, Level::M).unwrap());
        // A server that sends nothing else for the text of the code.
        assert_eq!(modules(json!({ "random": "r", "url": "u", "text": link })), Modules::new(link, Level::M).unwrap());
        let without_text = modules(complete(json!({})));
        for other in [
            "",
            "r",
            "#r",
            "scan me",
            "javascript:alert(1)#r",
            "https://pass.example.com/s#other",
            "https://pass.example.com/sr",
            "https://pass example.com/s#r",
            "https://pass.example.com/\u{e9}#r",
            &format!("https://pass.example.com/{}#r", "s".repeat(2_048)),
        ] {
            assert_eq!(modules(complete(json!({ "text": other }))), without_text, "{other}");
        }
        assert_eq!(modules(complete(json!({ "text": 5, "link": {} }))), without_text);
        let image = picture(complete(json!({ "text": link })), Some(&Format { is_image: true, ..FORMAT })).unwrap();
        assert!(matches!(image.as_deref(), Some(Picture::Image { fallback: Some(_), .. })));
    }

    #[test]
    fn link_is_a_web_address_with_the_response_that_a_page_takes_as_its_option_code() {
        let address = "https://pass.example.com/s#r.return";
        let data = complete(json!({ "link": address, "pollToken": "t", "customData": { "z": [1, null] } }));
        let link = code(data.clone()).link.unwrap();
        assert_eq!(&*link.address, address);
        assert_eq!(serde_json::from_str::<Json>(&link.response).unwrap(), json!({ "code": 200, "data": data }));
        for other in
            ["", "javascript:alert(1)", "intent://a", "https://a b", "data:text/html,x", " https://a", "HTTPS://a"]
        {
            assert_eq!(code(complete(json!({ "link": other }))).link, None, "{other}");
        }
        let body = Some(json!({ "code": 200, "data": data }));
        let reply = HttpResponse { status: 200, retry_after: None, body }.read(&Request::Gene(Scene::App), None);
        assert!(matches!(reply, Ok(Reply::Code(Code { link: None, .. }))), "a page without a widget shows no link");
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
    fn logo_option_overrides_custom_logo_and_each_logo_raises_the_error_correction() {
        let logo_and_side = |data, format: &Format| match picture(data, Some(format)).unwrap().as_deref() {
            Some(Picture::Drawn(symbol)) => (symbol.logo.clone(), symbol.modules.side),
            other => panic!("{other:?}"),
        };
        let own = Format { logo: Some("own".into()), ..FORMAT };
        let (none, side) = logo_and_side(complete(json!({})), &FORMAT);
        let (custom, side_with_logo) = logo_and_side(complete(json!({ "customLogo": "server" })), &FORMAT);
        let (page, _) = logo_and_side(complete(json!({ "customLogo": "server" })), &own);
        assert_eq!((none, custom.as_deref(), page.as_deref()), (None, Some("server"), Some("own")));
        assert!(side_with_logo > side);
        let empty = logo_and_side(complete(json!({ "customLogo": "" })), &FORMAT);
        assert_eq!(empty, (None, side), "an empty address is no logo");
    }

    #[test]
    fn render_img_gives_the_image_of_the_server_with_a_drawing_as_fallback() {
        let format = Format { is_image: true, ..FORMAT };
        let drawn = picture(complete(json!({})), Some(&FORMAT)).unwrap();
        let image = Picture::Image { url: "u".into(), fallback: drawn.clone() };
        assert_eq!(picture(complete(json!({})), Some(&format)).unwrap(), Some(image.into()));
        assert_eq!(picture(complete(json!({ "url": null })), Some(&format)).unwrap(), drawn, "without `url`");
    }

    #[test]
    fn too_dense_code_is_an_error_unless_the_page_draws_it() {
        let dense = complete(json!({ "customData": { "note": "x".repeat(600) } }));
        let error = picture(dense.clone(), Some(&Format { width: 160, ..FORMAT })).unwrap_err();
        assert_eq!((error.code(), error.is_temporary()), (ErrorCode::CodeTooDense, false));
        assert_eq!(picture(dense, None).unwrap(), None);
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
    fn wechat_code_is_the_image_of_the_server_or_a_bad_answer() {
        let gene = |data| read(&Request::Gene(Scene::WechatMiniProgram), data);
        let code = gene(json!({ "random": "r", "url": "u" }));
        let Ok(Reply::Code(Code { picture, .. })) = code else { panic!("{code:?}") };
        assert_eq!(picture, Some(Picture::Image { url: "u".into(), fallback: None }.into()));
        assert_eq!(gene(json!({ "random": "r" })).unwrap_err().code(), ErrorCode::BadAnswer);
    }

    #[test]
    fn poll_token_that_is_no_header_value_is_dropped() {
        for token in ["a\r\nb", "\u{e9}", "\0"] {
            assert_eq!(code(json!({ "random": "r", "url": "u", "pollToken": token })).poll_token, None, "{token:?}");
        }
    }

    #[test]
    fn malformed_response_with_status_200_is_a_temporary_bad_answer() {
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
            assert_eq!((error.code(), error.is_temporary()), (ErrorCode::BadAnswer, true), "{body:?}");
        }
    }

    #[test]
    fn error_of_an_invalid_field_names_the_field() {
        let gene = |data| read(&Request::Gene(Scene::App), data).unwrap_err();
        for (error, field) in [
            (gene(json!({})), "`data.random` must be a string that is not empty"),
            (gene(json!({ "random": "r", "expiresIn": "long" })), "`data.expiresIn` must be a whole number"),
            (check(json!({ "status": "2" })).unwrap_err(), "`data.status` must be a whole number"),
            (check(json!({ "status": 2 })).unwrap_err(), "`data.ticket` must be a string that is not empty"),
        ] {
            assert!(error.message().ends_with(field), "{}", error.message());
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

    #[test]
    fn refusal_keeps_message_reason_and_retry_after() {
        let body = Some(json!({ "code": 429, "message": "slow down", "reason": "rate-limited" }));
        let response = HttpResponse { status: 429, retry_after: Some(Duration::from_secs(7)), body };
        let error = response.read(&Request::Gene(Scene::App), Some(&FORMAT)).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (ErrorCode::RateLimited, Some(Duration::from_secs(7))));
        assert_eq!((error.message(), error.reason()), ("slow down", Some("rate-limited")));
    }
}
