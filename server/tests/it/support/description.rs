//! What the server says of itself: every answer that any test gets is held against it.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use jsonschema::Validator;
use scanlogin_server::http::api;
use serde_json::{Value, json};

use crate::support::common::{API, Reply};

pub(crate) static DESCRIPTION: LazyLock<Description> = LazyLock::new(Description::new);

/// How each call may be answered.
pub(crate) struct Description {
    pub(crate) document: Value,
    answers: HashMap<(String, Method, u16), Answer>,
}

struct Answer {
    headers: Vec<String>,
    /// What JSON must look like, by the media type; `None` for pictures.
    content: HashMap<String, Option<Validator>>,
}

impl Description {
    fn new() -> Self {
        let document = api::description("http://localhost");
        let mut answers = HashMap::new();
        for (path, method, operation) in operations(&document) {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let answer = Answer::new(&document, resolve(&document, answer));
                answers.insert((path.to_owned(), method.clone(), status.parse().unwrap()), answer);
            }
        }
        Self { document, answers }
    }

    /// The path in the document that `path` is an example of.
    fn path(&self, path: &str) -> Option<&str> {
        let fits = |template: &str| {
            let (mut parts, mut words) = (path.split('/'), template.split('/'));
            let same = words
                .by_ref()
                .zip(parts.by_ref())
                .all(|(word, part)| word == part || word.starts_with('{') && !part.is_empty());
            same && template.split('/').count() == path.split('/').count()
        };
        self.document["paths"].as_object().unwrap().keys().map(String::as_str).find(|template| fits(template))
    }
}

impl Answer {
    fn new(document: &Value, answer: &Value) -> Self {
        let names = |value: &Value| value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let validator = |content: &Value| {
            let schema = content.get("schema")?;
            let whole = json!({ "components": document["components"], "allOf": [schema] });
            Some(jsonschema::draft202012::new(&whole).unwrap())
        };
        let content = answer["content"].as_object().into_iter().flatten();
        Self {
            headers: names(&answer["headers"]),
            content: content.map(|(media_type, content)| (media_type.clone(), validator(content))).collect(),
        }
    }
}

pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, Method, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
        let method = |name: &str| name.to_uppercase().parse().unwrap();
        methods.as_object().unwrap().iter().map(move |(name, operation)| (path.as_str(), method(name), operation))
    })
}

pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).expect(reference),
        None => value,
    }
}

/// Holds what the server has answered against what it says that it answers.
#[track_caller]
pub(crate) fn is_as_described(method: &Method, path: &str, reply: &Reply) {
    let Some(described) = DESCRIPTION.path(path) else {
        let is_call = path.starts_with(API) && reply.status != 404;
        assert!(!is_call, "{method} {path} is answered, and described nowhere");
        return;
    };
    // A call that is not described must not be there. HEAD is GET without a body, OPTIONS is for browsers.
    if !DESCRIPTION.document["paths"][described].as_object().unwrap().contains_key(&method.as_str().to_lowercase()) {
        assert!(reply.status == 405 || [Method::HEAD, Method::OPTIONS].contains(method), "{method} {path}: {reply:?}");
        return;
    }
    let key = (described.to_owned(), method.clone(), reply.status.as_u16());
    let answer = DESCRIPTION.answers.get(&key).unwrap_or_else(|| panic!("{key:?} is not described"));
    for name in &answer.headers {
        assert!(reply.headers.contains_key(name), "{key:?} has no {name}");
    }
    let media_type = reply.header("content-type").unwrap();
    let validator =
        answer.content.get(media_type).unwrap_or_else(|| panic!("{key:?} is not described as {media_type}"));
    if let Some(validator) = validator {
        let faults: Vec<_> = validator.iter_errors(&reply.json()).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{key:?}: {}: {faults:?}", reply.json());
    }
}
