//! Reads the response to `gene`: the code, its picture and its link.

use core::time::Duration;
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{GeneData, Scene, header};
use std::rc::Rc;

use super::{HttpResponse, OK};
use crate::address;
use crate::client::reader::{FieldError, JsonValue, Reader};
use crate::client::writer::{self, Field};
use crate::error::Error;
use crate::format::Format;
use crate::session::{Code, Link};
use crate::view_model::{Picture, Symbol};

impl<V: JsonValue> HttpResponse<V> {
    pub(super) fn code(&self, scene: Scene, gene: GeneData<V>, format: Option<&Format>) -> Result<Code, Error> {
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
pub(super) fn link<V: JsonValue>(gene: &GeneData<V>, data: &V) -> Option<Rc<Link>> {
    let address = gene.link.as_deref().filter(|address| address::is_link(address))?;
    let response = V::to_text(&[("code", Some(Field::Number(OK))), ("data", Some(Field::JsonValue(data)))])?;
    Some(Rc::new(Link { address: address.into(), response: response.into() }))
}

/// Reads the `data` of a response to `gene`.
///
/// # Errors
///
/// The first invalid field.
pub(super) fn read_gene<V: JsonValue>(fields: &Reader<V>) -> Result<GeneData<V>, FieldError> {
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

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::super::tests::{FORMAT, Json, code, read};
    use super::*;
    use crate::error::ErrorCode;
    use crate::session::{Reply, Request};
    use scanlogin_qr::{Level, Modules};
    use serde_json::json;

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
}
