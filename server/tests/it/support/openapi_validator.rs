//! Validation against the OpenAPI document. Every response to a `TestRequest` is validated.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use jsonschema::Validator;
use scanlogin_server::http::api;
use serde_json::{Value, json};

use crate::support::test_server::{API, TestResponse};

pub(crate) static OPENAPI: LazyLock<OpenApi> = LazyLock::new(OpenApi::new);

/// The parsed OpenAPI document, with the responses of each operation.
pub(crate) struct OpenApi {
    pub(crate) document: Value,
    responses: HashMap<(String, Method, u16), DocumentedResponse>,
}

struct DocumentedResponse {
    headers: Vec<String>,
    /// The JSON schema by media type, `None` for images.
    content: HashMap<String, Option<Validator>>,
}

impl OpenApi {
    fn new() -> Self {
        let document = api::description("http://localhost");
        let mut responses = HashMap::new();
        for (path, method, operation) in operations(&document) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = DocumentedResponse::new(&document, resolve(&document, response));
                responses.insert((path.to_owned(), method.clone(), status.parse().unwrap()), response);
            }
        }
        Self { document, responses }
    }

    /// The path template of the document that matches `path`.
    fn path(&self, path: &str) -> Option<&str> {
        let matches = |template: &str| {
            let (mut segments, mut template_segments) = (path.split('/'), template.split('/'));
            let all_match = template_segments
                .by_ref()
                .zip(segments.by_ref())
                .all(|(expected, segment)| expected == segment || expected.starts_with('{') && !segment.is_empty());
            all_match && template.split('/').count() == path.split('/').count()
        };
        self.document["paths"].as_object().unwrap().keys().map(String::as_str).find(|template| matches(template))
    }
}

impl DocumentedResponse {
    fn new(document: &Value, response: &Value) -> Self {
        let names = |value: &Value| value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let validator = |content: &Value| {
            let schema = content.get("schema")?;
            let standalone_schema = json!({ "components": document["components"], "allOf": [schema] });
            Some(jsonschema::draft202012::new(&standalone_schema).unwrap())
        };
        let content = response["content"].as_object().into_iter().flatten();
        Self {
            headers: names(&response["headers"]),
            content: content.map(|(media_type, content)| (media_type.clone(), validator(content))).collect(),
        }
    }
}

/// Path, method and definition of every operation.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, Method, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let method = |name: &str| name.to_uppercase().parse().unwrap();
        methods.as_object().unwrap().iter().map(move |(name, operation)| (path.as_str(), method(name), operation))
    })
}

/// Follows a `$ref`, if `value` is one.
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).expect(reference),
        None => value,
    }
}

/// Asserts that the document contains this response, with its status, headers, media type and body.
#[track_caller]
pub(crate) fn assert_is_documented(method: &Method, path: &str, response: &TestResponse) {
    let Some(template) = OPENAPI.path(path) else {
        let is_undocumented_endpoint = path.starts_with(API) && response.status != 404;
        assert!(!is_undocumented_endpoint, "{method} {path} exists but is not documented");
        return;
    };
    // A method that is not documented must get 405. HEAD and OPTIONS are never documented: HEAD is GET without a body,
    // and OPTIONS is for preflights.
    if !OPENAPI.document["paths"][template].as_object().unwrap().contains_key(&method.as_str().to_lowercase()) {
        assert!(
            response.status == 405 || [Method::HEAD, Method::OPTIONS].contains(method),
            "{method} {path}: {response:?}"
        );
        return;
    }
    let key = (template.to_owned(), method.clone(), response.status.as_u16());
    let documented = OPENAPI.responses.get(&key).unwrap_or_else(|| panic!("{key:?} is not documented"));
    for name in &documented.headers {
        assert!(response.headers.contains_key(name), "{key:?} has no {name}");
    }
    let media_type = response.header("content-type").unwrap();
    let validator =
        documented.content.get(media_type).unwrap_or_else(|| panic!("{key:?} is not documented as {media_type}"));
    if let Some(validator) = validator {
        let errors: Vec<_> = validator.iter_errors(&response.json()).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{key:?}: {}: {errors:?}", response.json());
    }
}
