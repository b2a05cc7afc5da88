//! Browsers and phones: one connection each, and the calls that they make.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use scanlogin_protocol::wire::{API_PATH, header};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::process::{JWT_SECRET, USER_POOL_ID};

/// A code, as the browser knows it that asked for it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
}

/// What came back, when it was a success.
pub(crate) struct Answer {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) data: Value,
}

/// A connection that is kept.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to `server` from the address `from`, which is one of this machine's own.
    pub(crate) async fn open(server: SocketAddr, from: Ipv4Addr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // What ends it is told to whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// A browser asks for a code.
    pub(crate) async fn gene(&mut self) -> Result<Code> {
        let Answer { data, .. } = self.call(Method::POST, "gene", None, Some(json!({}))).await?;
        let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned).context("no code came");
        Ok(Code { random: text("random")?, poll_token: text("pollToken")? })
    }

    /// A browser asks what has become of its code.
    pub(crate) async fn check(&mut self, code: &Code, more: &str) -> Result<Answer> {
        let call = format!("check?random={}{more}", code.random);
        self.call(Method::GET, &call, Some((header::POLL_TOKEN, &code.poll_token)), None).await
    }

    /// The phone of whom `token` speaks for does something to `code`.
    pub(crate) async fn act(&mut self, action: &str, code: &Code, token: &str) -> Result<Answer> {
        self.call(Method::POST, action, Some(("authorization", token)), Some(json!({ "random": code.random }))).await
    }

    async fn call(
        &mut self,
        method: Method,
        call: &str,
        header: Option<(&str, &str)>,
        body: Option<Value>,
    ) -> Result<Answer> {
        let mut request =
            Request::builder().method(method).uri(format!("{API_PATH}/{call}")).header("host", "localhost");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.0.ready().await?;
        let (head, body) = self.0.send_request(request.body(Full::from(body))?).await?.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().to_vec())?;
        let mut envelope: Value = serde_json::from_str(&body).with_context(|| format!("{call}: {body}"))?;
        if envelope.get("code").and_then(Value::as_i64) != Some(200) {
            bail!("{call} was refused: {body}");
        }
        let headers = head.headers.iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        Ok(Answer {
            headers: headers.collect::<Result<_>>()?,
            data: envelope.get_mut("data").map(Value::take).unwrap_or_default(),
            body,
        })
    }
}

/// What the phone of the user `id` signs in with.
pub(crate) fn token(id: &str) -> Result<String> {
    // Until 2100.
    let claims = json!({ "sub": id, "userPoolId": USER_POOL_ID, "nickname": id, "exp": 4_102_444_800_i64 });
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}
