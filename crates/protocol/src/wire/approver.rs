//! The bodies of the calls of an approver: `scanned`, `confirm` and `cancel`.

use serde::{Deserialize, Serialize, Serializer};

/// The body of `POST scanned`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ScannedRequest {
    /// The id of the code.
    pub random: String,
    /// Whether the approver was opened by the `link` of the code, on the device that shows the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_device: Option<bool>,
}

/// The body of `POST confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfirmRequest {
    /// The id of the code.
    pub random: String,
    /// The two digits that the person chose. `None` unless the response to `scanned` has `numbers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// The body of `POST cancel`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelRequest {
    /// The id of the code.
    pub random: String,
}

/// The `data` of `POST scanned`, `confirm` and `cancel`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApproverData {
    /// The id of the code.
    pub random: String,
    /// 0 after a scan, 1 after a confirm, -1 after a cancel. This is another scale than [`Status`](super::Status).
    pub status: i32,
    /// Text for people, in English.
    pub description: String,
    /// The browser that created the code, so that a person can recognise a code that is not theirs. Only after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Requester>,
    /// How many seconds ago the code was created, rounded down. Only after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// Whether the phone has the client address of the browser that created the code. `None` if the server can't know it. Only
    /// after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_network: Option<bool>,
    /// `true` if the confirm will be bound to the browser on this device by a response code. `None` for every other code. Only
    /// after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_device: Option<bool>,
    /// The custom data that the app lets phones show. `None` when there is none. Only after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub custom_data: Option<ShownData>,
    /// In how many seconds the code expires if the owner does not decide, rounded up. Only after a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Two digits each: the number that the page shows, and two others. Only after a scan of a code whose app asks for the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<[String; 3]>,
    /// The address that the approver opens in the browser of the page. Only after a decision on the device of the page. After a
    /// confirm it contains the response code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// What `confirm` requires of the user's sign-in. Only after a scan, and only if the app has `step_up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_up: Option<StepUp>,
}

/// What `confirm` requires of the user's sign-in, in the terms of OpenID Connect and RFC 9470. At least one field is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StepUp {
    /// The maximum time in seconds since the user proved their identity: the claim `auth_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// The accepted methods: the claim `amr` has at least one of them. Empty if any method is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The accepted contexts: the claim `acr` is one of them. Empty if any context is accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
}

/// Custom data for a person: names and texts. On the wire it is an object with this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownData(pub Vec<(String, String)>);

impl Serialize for ShownData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, text)))
    }
}

/// The browser that created a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Requester {
    /// The name of the app that the page signs in to, as configured.
    pub app_name: String,
    /// The `origin` header of the browser. `None` when it sent none.
    pub origin: Option<String>,
    /// The address of the browser. `unknown` when the server can't know it.
    pub ip: String,
    /// The `user-agent` header of the browser. `None` when it sent none.
    pub user_agent: Option<String>,
    /// When the code was created: RFC 3339 in UTC with milliseconds.
    pub created_at: String,
}
