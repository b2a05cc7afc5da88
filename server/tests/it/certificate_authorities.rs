//! The program fetches the keys of an issuer over TLS. It trusts the certificate authorities that the machine trusts,
//! including a company's private authority.
//!
//! The test sets the trusted authorities with an environment variable. Only Linux supports that.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::support::server_process::ServerProcess;
use crate::support::timeout::TIMEOUT;

/// A company with a private certificate authority, and a provider that signs tokens.
struct Company {
    /// The certificate of the authority, in PEM.
    authority: String,
    /// The URL of the provider's JWKS.
    url: String,
    key: SigningKey,
}

impl Company {
    fn new() -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap().pem();
        let issuer = Issuer::new(params, authority_key);
        let host_key = KeyPair::generate().unwrap();
        let host = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&host_key, &issuer).unwrap();

        let key = SigningKey::from_bytes(&[7; 32]);
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let jwks = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x }] });
        let port = serve(host.der().clone(), host_key.serialize_der().try_into().unwrap(), jwks.to_string());
        Self { authority, url: format!("https://localhost:{port}/keys"), key }
    }

    fn token(&self) -> String {
        let expires_at = Timestamp::now().as_second() + 60;
        let claims = json!({ "iss": "company", "aud": "scanlogin", "sub": "alice", "exp": expires_at });
        let key = EncodingKey::from_ed_der(self.key.to_pkcs8_der().unwrap().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).unwrap()
    }
}

/// Responds with `body` to every request over TLS, until the test process ends. Returns the port.
fn serve(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>, body: String) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
            let mut line = String::new();
            // A client that does not trust the certificate closes the connection here.
            while stream.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            let length = body.len();
            let _ = write!(stream.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    port
}

/// The program, with settings that trust a company's provider.
struct Program(ServerProcess);

impl Program {
    fn start(folder: &Path, company: &Company, authorities: &Path) -> Self {
        let settings = format!(
            "[[app]]\nid = \"shop\"\nname = \"The Shop\"\nuser_pool_id = \"staff\"\n\
             secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n\
             [[issuer]]\nissuer = \"company\"\naudience = \"scanlogin\"\nuser_pool_id = \"staff\"\njwks = {:?}\n",
            company.url
        );
        fs::write(folder.join("scanlogin.toml"), settings).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
        command.args(["--store", "sqlite::memory:"]).current_dir(folder);
        command.env("SSL_CERT_FILE", authorities).env_remove("SSL_CERT_DIR");
        Self(ServerProcess::start(command))
    }

    fn post(&self, endpoint: &str, token: &str, body: &Value) -> Value {
        let (address, body) = (self.0.client.address(), body.to_string());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /api/v2/qrcode/{endpoint} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}",
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn scan(&self, company: &Company) -> Value {
        let code = self.post("gene", "", &json!({}));
        self.post("scanned", &company.token(), &json!({ "random": code["data"]["random"] }))
    }
}

#[test]
fn issuer_keys_are_fetched_only_over_tls_with_a_trusted_certificate() {
    let (trusted, untrusted) = (Company::new(), Company::new());
    let folder = tempfile::tempdir().unwrap();
    let authorities = folder.path().join("authorities.pem");
    fs::write(&authorities, &trusted.authority).unwrap();

    let program = Program::start(folder.path(), &trusted, &authorities);
    assert_eq!(program.scan(&trusted)["code"], 200);
    drop(program);

    let program = Program::start(folder.path(), &untrusted, &authorities);
    assert_eq!(program.scan(&untrusted)["reason"], "unavailable");
    let line = program.0.wait_for_log_line("a failed fetch of the keys", |line| line["issuer"] == "company");
    assert!(line["error"].as_str().unwrap().contains("certificate"), "{line}");
}
