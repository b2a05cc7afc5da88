//! An HTTP client with the calls of browsers and phones.

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

/// A code with its poll token, as `gene` returns it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
}

/// A successful response.
pub(crate) struct ApiResponse {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The field `data` of the body.
    pub(crate) data: Value,
}

/// A persistent connection to a server.
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to `server`. `from` is the address of this machine that the connection comes from.
    pub(crate) async fn open(server: SocketAddr, from: Ipv4Addr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // An error of the connection is also returned by the request that waits for a response.
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Requests a new code, as a browser does.
    pub(crate) async fn gene(&mut self) -> Result<Code> {
        let ApiResponse { data, .. } = self.call(Method::POST, "gene", None, Some(json!({}))).await?;
        let text =
            |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned).context("gene returned no code");
        Ok(Code { random: text("random")?, poll_token: text("pollToken")? })
    }

    /// Requests the status of a code, as a browser does. `parameters` is appended to the query.
    pub(crate) async fn check(&mut self, code: &Code, parameters: &str) -> Result<ApiResponse> {
        let call = format!("check?random={}{parameters}", code.random);
        self.call(Method::GET, &call, Some((header::POLL_TOKEN, &code.poll_token)), None).await
    }

    /// Applies `action` (`scanned` or `confirm`) to a code, as a phone does. `token` is the token of the user.
    pub(crate) async fn act(&mut self, action: &str, code: &Code, token: &str) -> Result<ApiResponse> {
        self.call(Method::POST, action, Some(("authorization", token)), Some(json!({ "random": code.random }))).await
    }

    async fn call(
        &mut self,
        method: Method,
        call: &str,
        header: Option<(&str, &str)>,
        body: Option<Value>,
    ) -> Result<ApiResponse> {
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
            bail!("the server rejected {call}: {body}");
        }
        let headers = head.headers.iter().map(|(name, value)| Ok((name.to_string(), value.to_str()?.to_owned())));
        Ok(ApiResponse {
            headers: headers.collect::<Result<_>>()?,
            data: envelope.get_mut("data").map(Value::take).unwrap_or_default(),
            body,
        })
    }
}

/// The token of the user `id`. It expires in 2100.
pub(crate) fn token(id: &str) -> Result<String> {
    let claims = json!({ "sub": id, "userPoolId": USER_POOL_ID, "nickname": id, "exp": 4_102_444_800_i64 });
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}
