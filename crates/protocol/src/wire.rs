//! What goes over the wire: paths, headers, codes, and the bodies of the six calls.
//!
//! docs/protocol.md, "Calls". Values that are handed through unread (custom data, users) are a type parameter: `serde_json::Value`
//! on the server, the untouched JavaScript value in the browser. With the feature `openapi` the types that a server
//! reads and writes describe themselves. Deliberately absent: how a body becomes text.

use serde::{Deserialize, Serialize};

/// The folder of the six calls, below the server's address.
pub const API_PATH: &str = "/api/v2/qrcode";

/// The longest time in seconds that `check` holds a request.
pub const MAX_WAIT_SECONDS: u32 = 30;

/// Names of the headers that clients send.
pub mod header {
    /// The app in whose name a code is asked for.
    pub const APP_ID: &str = "x-authing-app-id";
    /// The pool of users that the app belongs to.
    pub const USER_POOL_ID: &str = "x-authing-userpool-id";
    /// The tenant of the app.
    pub const TENANT_ID: &str = "x-authing-app-tenant-id";
    /// Who sends: `sdk`.
    pub const REQUEST_FROM: &str = "x-authing-request-from";
    /// The version of the client.
    pub const SDK_VERSION: &str = "x-authing-sdk-version";
    /// The language in which the client wants messages.
    pub const LANG: &str = "x-authing-lang";
    /// The secret that `gene` gave to the browser, and that `check` wants back.
    pub const POLL_TOKEN: &str = "x-scanlogin-poll-token";

    /// Whether every client and server takes `name` as the name of a header (RFC 9110, 5.6.2).
    pub fn is_name(name: &str) -> bool {
        let is_token = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        };
        !name.is_empty() && name.bytes().all(is_token)
    }

    /// Whether every client and server takes `value` as the value of a header: printable ASCII (RFC 9110, 5.5).
    pub fn is_value(value: &str) -> bool {
        value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }
}

/// The `code` of an envelope.
pub mod code {
    /// Success.
    pub const OK: i32 = 200;
    /// A transition that the code's life does not have, or a failure inside the server.
    pub const FAILED: i32 = 500;
    /// No permission.
    pub const FORBIDDEN: i32 = 1001;
    /// No user is signed in.
    pub const NOT_SIGNED_IN: i32 = 2020;
    /// The user is not in this pool.
    pub const WRONG_POOL: i32 = 2036;
    /// The login has expired.
    pub const LOGIN_EXPIRED: i32 = 2206;
    /// A parameter is missing or invalid.
    pub const INVALID_PARAMETER: i32 = 2231;
    /// The code does not exist.
    pub const UNKNOWN_CODE: i32 = 2241;
}

/// The envelope of every answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// 200, or one of [`code`].
    pub code: i32,
    /// For people.
    #[serde(default)]
    pub message: Option<String>,
    /// The content of a success.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// Why it was refused, in a stable kebab-case word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

// `#[serde(default)]` would ask `T: Default`.
fn none<T>() -> Option<T> {
    None
}

/// What kind of app is to scan the code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scene {
    /// The company's own app.
    #[default]
    #[serde(rename = "APP_AUTH")]
    App,
    /// A WeChat mini program.
    #[serde(rename = "WXAPP_AUTH")]
    WechatMiniProgram,
    /// A WeChat official account.
    #[serde(rename = "WECHATMP_AUTH")]
    WechatOfficialAccount,
}

impl Scene {
    /// Reads the word that stands for it on the wire.
    pub fn read(word: &str) -> Option<Self> {
        Some(match word {
            "APP_AUTH" => Self::App,
            "WXAPP_AUTH" => Self::WechatMiniProgram,
            "WECHATMP_AUTH" => Self::WechatOfficialAccount,
            _ => return None,
        })
    }

    /// The word that stands for it on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::App => "APP_AUTH",
            Self::WechatMiniProgram => "WXAPP_AUTH",
            Self::WechatOfficialAccount => "WECHATMP_AUTH",
        }
    }
}

/// The body of `POST gene`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", bound(deserialize = "V: Deserialize<'de>"))]
pub struct GeneRequest<V> {
    /// Who is to scan.
    #[serde(default)]
    pub scene: Scene,
    /// Sent as `false` by every client in the field.
    #[serde(default)]
    pub auto_merge_qr_code: bool,
    /// For the server's own login flow; not in the code.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub context: Option<V>,
    /// The custom data, under the name that today's SDK uses.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub params: Option<V>,
    /// The custom data, under its documented name.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custom_data: Option<V>,
    /// The custom data, as some clients in the wild spell it.
    #[serde(default = "none", rename = "customeData", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custome_data: Option<V>,
    /// The external identity provider of a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_idp_conn_id: Option<String>,
    /// Whether the custom data is wanted in the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_custom_data: Option<bool>,
}

impl<V> GeneRequest<V> {
    /// Asks for a code with custom data, under the name that every server knows.
    pub fn new(scene: Scene, custom_data: Option<V>) -> Self {
        Self {
            scene,
            auto_merge_qr_code: false,
            context: None,
            params: custom_data,
            custom_data: None,
            custome_data: None,
            ext_idp_conn_id: None,
            with_custom_data: None,
        }
    }

    /// The custom data, whichever of its three names it came under.
    pub fn into_custom_data(self) -> Option<V> {
        self.params.or(self.custom_data).or(self.custome_data)
    }
}

/// The answer of `POST gene`. A server in the field sends the first four fields only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GeneData<V> {
    /// The id of the code.
    pub random: String,
    /// The code's life in seconds, from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// An image of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A logo that the app's owner wants in the middle of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_logo: Option<String>,
    /// Who is to scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// The pool whose users may approve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_pool_id: Option<String>,
    /// When the code was made: RFC 3339 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When the code expires: RFC 3339 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<String>,
    /// What the page wants the approver to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custom_data: Option<V>,
    /// Proves to `check` that it answers the browser that asked for the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_token: Option<String>,
}

impl<V> GeneData<V> {
    /// Whether it holds what the text in a code consists of. Codes that are not [`Scene::App`] are made by WeChat and are
    /// always images.
    pub fn is_whole(&self) -> bool {
        self.scene == Some(Scene::App)
            && self.user_pool_id.is_some()
            && self.created_at.is_some()
            && self.expire_at.is_some()
    }
}

/// The answer of `GET check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckData<V> {
    /// The id of the code.
    pub random: Option<String>,
    /// The status as a number: see [`Status::read`].
    pub status: i32,
    /// Exchanged for the user by the site's backend, at [`Status::Authorised`].
    pub ticket: Option<String>,
    /// What the page may know of the user so far.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub user_info: Option<V>,
    /// The id of the user who scanned.
    pub scanned_user_id: Option<String>,
    /// What happened, at [`Status::NeedsMfa`] and [`Status::Failed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub scanned_result: Option<V>,
}

/// What became of a confirm that did not end in a ticket: `scannedResult` of `check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScannedResult<V> {
    /// The code of the refusal.
    pub code: Option<i32>,
    /// The refusal for people, where one family of clients reads it.
    pub message: Option<String>,
    /// The same text, where the other family reads it.
    pub errmsg: Option<String>,
    /// What a second factor needs.
    pub data: Option<V>,
}

/// What a page may show of the user who scanned: part of `userInfo`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The name that other people know the user by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The address of a picture of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
}

/// The body of the approver's three calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApproverRequest {
    /// The id of the code.
    pub random: String,
}

/// The answer of the approver's three calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApproverData {
    /// The id of the code.
    pub random: String,
    /// 0 after a scan, 1 after a confirm, -1 after a cancel: another scale than [`Status`].
    pub status: i32,
    /// For people.
    pub description: String,
    /// Who asks, so that a person can recognise a code that is not theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Requester>,
}

/// The browser that asked for a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Requester {
    /// The app that the person would sign in to.
    pub app_name: String,
    /// The origin of the page, when the browser said it.
    pub origin: Option<String>,
    /// The address that the browser connected from.
    pub ip: String,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// When the code was made: RFC 3339 in UTC with milliseconds.
    pub created_at: String,
}

/// The body of `POST userinfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserInfoRequest {
    /// The ticket of a success.
    pub ticket: String,
}

/// What `check` tells of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody can use it any more.
    Expired,
    /// Nobody has scanned it.
    Unused,
    /// Somebody has scanned it and not yet decided.
    Scanned,
    /// The user approved.
    Authorised,
    /// The user declined.
    Cancelled,
    /// The user approved, and the server wants a second factor.
    NeedsMfa,
    /// The user approved, and the server refused.
    Failed,
}

impl Status {
    /// Reads a status. `None` is a number that this version does not know, and no news.
    pub fn read(number: i32) -> Option<Self> {
        Some(match number {
            -1 => Self::Expired,
            0 => Self::Unused,
            1 => Self::Scanned,
            // 6 is seen in the wild as a success.
            2 | 6 => Self::Authorised,
            3 => Self::Cancelled,
            4 => Self::NeedsMfa,
            5 => Self::Failed,
            _ => return None,
        })
    }

    /// The status as `check` writes it.
    pub fn number(self) -> i32 {
        match self {
            Self::Expired => -1,
            Self::Unused => 0,
            Self::Scanned => 1,
            Self::Authorised => 2,
            Self::Cancelled => 3,
            Self::NeedsMfa => 4,
            Self::Failed => 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn every_status_reads_back_and_unknown_numbers_are_no_news() {
        for number in -1..=5 {
            assert_eq!(Status::read(number).map(Status::number), Some(number));
        }
        assert_eq!(Status::read(6), Some(Status::Authorised));
        assert_eq!(Status::read(7), None);
        assert_eq!(Status::read(-2), None);
    }

    #[test]
    fn custom_data_is_accepted_under_its_three_names() {
        for name in ["params", "customData", "customeData"] {
            let request: GeneRequest<Value> = serde_json::from_value(json!({ name: { "a": 1 } })).unwrap();
            assert_eq!(request.into_custom_data(), Some(json!({ "a": 1 })), "{name}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let request = GeneRequest {
            context: Some(json!("a")),
            params: Some(json!({ "b": 1 })),
            custom_data: Some(json!([2])),
            custome_data: Some(json!(3)),
            ext_idp_conn_id: Some("c".to_owned()),
            with_custom_data: Some(true),
            ..GeneRequest::new(Scene::WechatMiniProgram, None)
        };
        let written = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<GeneRequest<Value>>(written).unwrap(), request);
        for scene in [Scene::App, Scene::WechatMiniProgram, Scene::WechatOfficialAccount] {
            assert_eq!((json!(scene), Scene::read(scene.word())), (json!(scene.word()), Some(scene)));
        }
    }
}
