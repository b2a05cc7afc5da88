//! Paths, headers, error codes, and the bodies of the seven calls: docs/protocol.md, "Calls".
//!
//! Values that are passed on unread, such as custom data and users, have a type parameter. It is `serde_json::Value` on
//! the server and the original JavaScript value in the browser. With the feature `openapi`, the types that a server
//! reads and writes implement `utoipa::ToSchema`.

mod approver;

pub use approver::{ApproverData, CancelRequest, ConfirmRequest, Requester, ScannedRequest, ShownData, StepUp};

use serde::{Deserialize, Serialize};

/// The path prefix of the seven calls and the image.
pub const API_PATH: &str = "/api/v2/qrcode";

/// The maximum time in seconds that `check` holds a request.
pub const MAX_WAIT_SECONDS: u32 = 30;

/// Names of the headers that clients send.
pub mod header {
    /// The id of the app.
    pub const APP_ID: &str = "x-authing-app-id";
    /// The user pool of the app. The server ignores it.
    pub const USER_POOL_ID: &str = "x-authing-userpool-id";
    /// The tenant of the app. The server ignores it.
    pub const TENANT_ID: &str = "x-authing-app-tenant-id";
    /// The kind of client: `sdk`. The server ignores it.
    pub const REQUEST_FROM: &str = "x-authing-request-from";
    /// The version of the client. The server ignores it.
    pub const SDK_VERSION: &str = "x-authing-sdk-version";
    /// The language of the client. The server ignores it.
    pub const LANG: &str = "x-authing-lang";
    /// The poll token that `gene` returned. `check` and `complete` require it, and so does `userinfo` in a call of a browser.
    pub const POLL_TOKEN: &str = "x-scanlogin-poll-token";

    /// Whether `name` is a valid header name: a token of RFC 9110, 5.6.2.
    pub fn is_name(name: &str) -> bool {
        let is_token = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        };
        !name.is_empty() && name.bytes().all(is_token)
    }

    /// Whether `value` is a header value that all clients and servers accept: printable ASCII (RFC 9110, 5.5).
    pub fn is_value(value: &str) -> bool {
        value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }
}

/// The `code` of an envelope.
pub mod code {
    /// Success.
    pub const OK: i32 = 200;
    /// The state of the code does not allow the call. With HTTP status 500, a fault of the server.
    pub const FAILED: i32 = 500;
    /// No permission.
    pub const FORBIDDEN: i32 = 1001;
    /// No user is signed in.
    pub const NOT_SIGNED_IN: i32 = 2020;
    /// The user is not in the user pool of the app.
    pub const WRONG_POOL: i32 = 2036;
    /// The login has expired.
    pub const LOGIN_EXPIRED: i32 = 2206;
    /// A parameter is missing or invalid.
    pub const INVALID_PARAMETER: i32 = 2231;
    /// The code does not exist, or is no longer remembered.
    pub const UNKNOWN_CODE: i32 = 2241;
}

/// The envelope of a JSON response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<T> {
    /// A number of [`code`], or the HTTP status of a transport refusal.
    pub code: i32,
    /// Text for people, in English.
    #[serde(default)]
    pub message: Option<String>,
    /// The content of a success. `None` in a refusal.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
    /// The stable kebab-case name of a refusal. `None` in a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The check of the token that failed, with the reason `not-signed-in`. Otherwise `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What `confirm` requires of the user's sign-in, with the reason `step-up-required`. Otherwise `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
}

// `#[serde(default)]` would require `T: Default`.
fn none<T>() -> Option<T> {
    None
}

/// The kind of app that scans the code.
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
    /// Parses the name on the wire. `None` for an unknown name.
    pub fn read(word: &str) -> Option<Self> {
        Some(match word {
            "APP_AUTH" => Self::App,
            "WXAPP_AUTH" => Self::WechatMiniProgram,
            "WECHATMP_AUTH" => Self::WechatOfficialAccount,
            _ => return None,
        })
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "APP_AUTH",
            Self::WechatMiniProgram => "WXAPP_AUTH",
            Self::WechatOfficialAccount => "WECHATMP_AUTH",
        }
    }
}

/// The levels of error correction of a QR code, from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ErrorCorrectionLevel {
    /// About 7 % of the codewords can be restored.
    L,
    /// About 15 %.
    M,
    /// About 25 %.
    Q,
    /// About 30 %.
    H,
}

/// The body of `POST gene`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", bound(deserialize = "V: Deserialize<'de>"))]
pub struct GeneRequest<V> {
    /// The kind of app that scans the code.
    #[serde(default)]
    pub scene: Scene,
    /// Existing clients send `false`. The server ignores it.
    #[serde(default)]
    pub auto_merge_qr_code: bool,
    /// Input for a login flow of the server. It is not in the code. This server ignores it.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub context: Option<V>,
    /// The custom data, under the name that current clients use.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub params: Option<V>,
    /// The custom data, under its documented name.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custom_data: Option<V>,
    /// The custom data, under the misspelt name that some existing clients use.
    #[serde(default = "none", rename = "customeData", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custome_data: Option<V>,
    /// The external identity provider of a tenant. This server ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_idp_conn_id: Option<String>,
    /// `false` drops the custom data. `true` and `None` keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_custom_data: Option<bool>,
    /// Asks for the modules of the code, with at least this error correction. `None` for a client that draws the code itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modules: Option<ErrorCorrectionLevel>,
    /// The address of the page, which asks for a link for the same device. `None` for a page that needs no link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

impl<V> GeneRequest<V> {
    /// A request for a code, with custom data under the name `params`, which every server knows.
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
            modules: None,
            return_url: None,
        }
    }

    /// The custom data under the first of its three names that is present: `params`, `customData`, `customeData`.
    pub fn into_custom_data(self) -> Option<V> {
        self.params.or(self.custom_data).or(self.custome_data)
    }
}

/// The `data` of `POST gene`. Existing servers send the first four fields only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GeneData<V> {
    /// The id of the code.
    pub random: String,
    /// The lifetime of the code in seconds, from the response on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// The address of an image of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The address of a logo for the middle of the code. `None` unless the app has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_logo: Option<String>,
    /// The kind of app that scans the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<Scene>,
    /// The user pool of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_pool_id: Option<String>,
    /// When the code was created: RFC 3339 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When the code expires: RFC 3339 in UTC with milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<String>,
    /// The text of the code if it is a link. `None` if it is JSON: a client then writes the text itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The address that opens the approver on the device of the page. `None` unless the app lists the `returnUrl` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The custom data. `None` when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custom_data: Option<V>,
    /// The poll token: it proves to `check` that a request comes from the browser that created the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_token: Option<String>,
    /// The modules of the code without its quiet zone, row by row, one bit each: 1 for dark, the most significant bit first, padded
    /// with zeros to a whole byte, in Base64. `None` unless the request asked for it, or if the server is too busy to draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules: Option<String>,
}

impl<V> GeneData<V> {
    /// Whether it has all fields of the text of a code, so that a client can draw the code. Codes of another scene than
    /// [`Scene::App`] come from WeChat and are always images.
    pub fn is_complete(&self) -> bool {
        self.scene == Some(Scene::App)
            && self.user_pool_id.is_some()
            && self.created_at.is_some()
            && self.expire_at.is_some()
    }
}

/// The `data` of `GET check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckData<V> {
    /// The id of the code.
    pub random: Option<String>,
    /// The number of a [`Status`].
    pub status: i32,
    /// The ticket that the backend of the site exchanges for the user. `None` unless the status is
    /// [`Status::Authorised`].
    pub ticket: Option<String>,
    /// The user who scanned, with the fields that the app allows. `{}` when nobody has scanned.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub user_info: Option<V>,
    /// The id of the user who scanned. `None` unless the app has `return_full_user_info`.
    pub scanned_user_id: Option<String>,
    /// Why the sign-in did not succeed. `None` unless the status is [`Status::NeedsMfa`] or [`Status::Failed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub scanned_result: Option<V>,
    /// The two digits that the page shows, so that the person can choose them on the phone. `None` unless the status is
    /// [`Status::Scanned`] and the phone asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// `scannedResult` of `check`: why a confirm did not give a ticket.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScannedResult<V> {
    /// The error code, as in an envelope.
    pub code: Option<i32>,
    /// Text for people. One family of clients reads this field.
    pub message: Option<String>,
    /// The same text as `message`. Another family of clients reads this field.
    pub errmsg: Option<String>,
    /// Data for the second factor.
    pub data: Option<V>,
}

/// The fields of `userInfo` that every app allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The nickname, or the full name of a user without a nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The address of a picture of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
}

/// The body of `POST complete`. `Debug` is not implemented, because the response code is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CompleteRequest {
    /// The id of the code.
    pub random: String,
    /// The response code that the approver handed back in `returnUrl`.
    pub response_code: String,
}

/// The body of `POST userinfo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserInfoRequest {
    /// The `ticket` of `check`.
    pub ticket: String,
}

/// The status of a code in `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody can use it any more.
    Expired,
    /// Nobody has scanned it.
    Unused,
    /// The owner has scanned it and has not decided.
    Scanned,
    /// The owner confirmed.
    Authorised,
    /// The owner declined.
    Cancelled,
    /// The owner confirmed, and the server requires a second factor.
    NeedsMfa,
    /// The owner confirmed, and the server refused the sign-in.
    Failed,
}

impl Status {
    /// Parses a number. `None` for a number that this version does not know; a client treats it as no change.
    pub fn read(number: i32) -> Option<Self> {
        Some(match number {
            -1 => Self::Expired,
            0 => Self::Unused,
            1 => Self::Scanned,
            // Some existing servers send 6 for a success.
            2 | 6 => Self::Authorised,
            3 => Self::Cancelled,
            4 => Self::NeedsMfa,
            5 => Self::Failed,
            _ => return None,
        })
    }

    /// The number in a response of `check`.
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
    fn status_numbers_round_trip_and_unknown_numbers_are_none() {
        for number in -1..=5 {
            assert_eq!(Status::read(number).map(Status::number), Some(number));
        }
        assert_eq!(Status::read(6), Some(Status::Authorised));
        assert_eq!(Status::read(7), None);
        assert_eq!(Status::read(-2), None);
    }

    #[test]
    fn custom_data_is_read_under_each_of_its_three_names() {
        for name in ["params", "customData", "customeData"] {
            let request: GeneRequest<Value> = serde_json::from_value(json!({ name: { "a": 1 } })).unwrap();
            assert_eq!(request.into_custom_data(), Some(json!({ "a": 1 })), "{name}");
        }
    }

    #[test]
    fn gene_request_and_scene_round_trip() {
        let request = GeneRequest {
            context: Some(json!("a")),
            params: Some(json!({ "b": 1 })),
            custom_data: Some(json!([2])),
            custome_data: Some(json!(3)),
            ext_idp_conn_id: Some("c".to_owned()),
            with_custom_data: Some(true),
            modules: Some(ErrorCorrectionLevel::Q),
            return_url: Some("https://www.example.com/login".to_owned()),
            ..GeneRequest::new(Scene::WechatMiniProgram, None)
        };
        let written = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<GeneRequest<Value>>(written).unwrap(), request);
        for scene in [Scene::App, Scene::WechatMiniProgram, Scene::WechatOfficialAccount] {
            assert_eq!((json!(scene), Scene::read(scene.as_str())), (json!(scene.as_str()), Some(scene)));
        }
    }
}
