//! `/openapi.json`: the OpenAPI 3.1 document, generated from the annotations of the handlers.
//!
//! An annotation describes the parameters of a call and the data of a success. This module adds what all calls have in
//! common: the envelope, the errors of [`ApiError::each`], the security schemes, and links between the calls.
//! The demo and the static files are not part of the protocol, and not in the document.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use scanlogin_protocol::wire as protocol;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Object, OpenApi, Required, Type};

use crate::auth::error::TokenProblem;
use crate::http::error::ApiError;
use crate::http::error::body::ErrorBody;
use crate::http::extract::{Caller, PollToken};

const INTRODUCTION: &str = "Signs a person in to a web page whose QR code they scan with their phone. Every response \
    except an image, the key set and the files about native apps is an envelope: `code` 200 with `data`, or another \
    `code` with `reason`, a stable name. A business refusal has HTTP status 200. A transport refusal has an HTTP status of \
    its own.";

/// The calls whose JSON has no envelope, because others define its format.
const WITHOUT_ENVELOPE: [&str; 2] = ["assetlinks", "apple_app_site_association"];

/// The document of a server at `base_url`. `calls` has the annotated operations.
pub(crate) fn document(calls: &OpenApi, base_url: &str) -> Value {
    let mut document = json!(calls);
    let mut by_status = refusals();
    let business = schema(&by_status.remove(&StatusCode::OK).unwrap_or_default());
    for operation in operations(&mut document) {
        complete(operation, &by_status);
    }
    let transport = by_status.iter().map(|(status, bodies)| (component(*status), response(*status, bodies)));
    let transport: Map<_, _> = transport.collect();
    let common = json!({
        "info": { "title": "scanlogin", "version": env!("CARGO_PKG_VERSION"), "description": INTRODUCTION },
        "servers": [{ "url": base_url }],
        "components": {
            "schemas": { "BusinessRefusal": business },
            "responses": transport,
            "headers": {
                "x-request-id": {
                    "description": "The id of the request in the server's log", "required": true,
                    "schema": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
                },
                "retry-after": {
                    "description": "Seconds until a retry can succeed", "required": true,
                    "schema": { "type": "integer", "minimum": 1 },
                },
            },
            "securitySchemes": {
                "user": {
                    "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                    "description": "The token of the user who is signed in on the phone",
                },
                "backend": {
                    "type": "http", "scheme": "basic", "description": "The id of the app and one of its secrets",
                },
            },
        },
    });
    // utoipa fills `info` with the metadata of a crate, such as its authors.
    document.as_object_mut().into_iter().for_each(|document| drop(document.remove("info")));
    merge(&mut document, common);
    document
}

impl IntoParams for Caller {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(protocol::header::APP_ID, "The id of the app; `gene` requires it when the server has several apps")]
    }
}

impl IntoParams for PollToken {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(protocol::header::POLL_TOKEN, "The poll token that `gene` returned to this browser")]
    }
}

fn header(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}

/// All errors by HTTP status.
fn refusals() -> BTreeMap<StatusCode, Vec<ErrorBody>> {
    let mut by_status = BTreeMap::<_, Vec<_>>::new();
    for body in ApiError::each().into_iter().map(ApiError::body) {
        by_status.entry(body.http_status).or_default().push(body);
    }
    // `image` returns `unknown-code` with HTTP status 404, because an <img> reads the HTTP status only.
    by_status.entry(StatusCode::NOT_FOUND).or_default().push(ApiError::UnknownCode.body());
    by_status
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let methods = paths.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut);
    methods.flat_map(Map::values_mut).filter_map(Value::as_object_mut)
}

/// The OpenAPI links of a call: fields of its response that other calls take as input.
fn links(operation_id: &str) -> Value {
    let random = "$response.body#/data/random";
    let decide = |call: &str| json!({ "operationId": call, "requestBody": { "random": random } });
    match operation_id {
        "gene" => json!({
            "check": {
                "operationId": "check",
                "parameters": {
                    "random": random, "wait": 0, "x-scanlogin-poll-token": "$response.body#/data/pollToken",
                },
            },
            "scanned": decide("scanned"),
            "image": { "operationId": "image", "parameters": { "file": "{$response.body#/data/random}.png" } },
        }),
        "scanned" => json!({ "confirm": decide("confirm"), "cancel": decide("cancel") }),
        "check" => json!({
            "userinfo": {
                "operationId": "userinfo", "requestBody": { "ticket": "$response.body#/data/ticket" },
            },
        }),
        _ => json!({}),
    }
}

fn complete(operation: &mut Map<String, Value>, by_status: &BTreeMap<StatusCode, Vec<ErrorBody>>) {
    let schemes = operation.get("security").and_then(Value::as_array);
    let is_for_backends = schemes.is_some_and(|schemes| schemes.iter().any(|scheme| scheme.get("backend").is_some()));
    let has_body = operation.contains_key("requestBody");
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let (links, has_envelope) = (links(id), !WITHOUT_ENVELOPE.contains(&id));
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for status in by_status.keys() {
        let is_possible = match *status {
            // The annotation of a call declares whether it returns 404.
            StatusCode::NOT_FOUND => responses.contains_key("404"),
            StatusCode::UNAUTHORIZED => is_for_backends,
            StatusCode::BAD_REQUEST
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE => has_body,
            _ => true,
        };
        if is_possible {
            let reference = json!({ "$ref": format!("#/components/responses/{}", component(*status)) });
            responses.insert(status.as_str().to_owned(), reference);
        }
    }
    if let Some(success) = responses.get_mut("200") {
        merge(
            success,
            json!({ "headers": { "x-request-id": { "$ref": "#/components/headers/x-request-id" } }, "links": links }),
        );
        if has_envelope && let Some(schema) = success.pointer_mut("/content/application~1json/schema") {
            *schema = envelope(&schema.take());
        }
    }
}

/// The schema of a response with HTTP status 200: a success with `data`, or a business refusal.
fn envelope(data: &Value) -> Value {
    let success = json!({
        "type": "object",
        "required": ["code", "message", "data"],
        "properties": { "code": { "const": 200 }, "message": { "type": "string" }, "data": data },
        "additionalProperties": false,
    });
    json!({ "oneOf": [success, { "$ref": "#/components/schemas/BusinessRefusal" }] })
}

fn component(status: StatusCode) -> String {
    format!("ApiError{}", status.as_str())
}

fn response(status: StatusCode, bodies: &[ErrorBody]) -> Value {
    let mut headers = json!({ "x-request-id": { "$ref": "#/components/headers/x-request-id" } });
    if crate::http::error::is_for_now(status) {
        merge(&mut headers, json!({ "retry-after": { "$ref": "#/components/headers/retry-after" } }));
    }
    json!({
        "description": status.canonical_reason().unwrap_or_default(),
        "headers": headers,
        "content": { "application/json": { "schema": schema(bodies) } },
    })
}

/// The schema of the envelope of an error that is one of `bodies`.
fn schema(bodies: &[ErrorBody]) -> Value {
    let each = bodies.iter().map(|ErrorBody { code, reason, message, detail, step_up, .. }| {
        let detail = if detail.is_some() {
            json!({ "enum": TokenProblem::DETAILS.map(TokenProblem::as_str) })
        } else {
            json!(false)
        };
        let required: &[&str] = if step_up.is_some() { &["stepUp"] } else { &[] };
        json!({
            "title": reason,
            "description": message,
            "required": required,
            "properties": {
                "code": { "const": code }, "reason": { "const": reason }, "detail": detail,
                "stepUp": step_up.is_some(),
            },
        })
    });
    json!({
        "type": "object",
        "required": ["code", "message", "reason"],
        "properties": {
            "code": { "type": "integer" }, "message": { "type": "string" }, "reason": { "type": "string" },
            "detail": { "type": "string" }, "stepUp": { "$ref": "#/components/schemas/StepUp" },
        },
        "additionalProperties": false,
        "oneOf": each.collect::<Vec<_>>(),
    })
}

/// Merges `more` into `value`. Objects are merged recursively; any other value is replaced.
fn merge(value: &mut Value, more: Value) {
    match (value, more) {
        (Value::Object(value), Value::Object(more)) => {
            more.into_iter().for_each(|(name, more)| merge(value.entry(name).or_insert(Value::Null), more));
        }
        (value, more) => *value = more,
    }
}
