//! The authenticator of a phone, in software: it creates a passkey (ES256), and signs challenges with it.
//!
//! Invariant: it checks nothing, so that a test can send wrong answers.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::oidc_provider::base64;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const HAS_CREDENTIAL: u8 = 0x40;

/// An authenticator with one passkey.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: SigningKey,
    id: [u8; 16],
    /// The origin of the page, in answers.
    origin: String,
    /// The id of the relying party, in answers.
    rp_id: String,
    /// The flags of answers: whether the user was present and verified.
    flags: u8,
    /// How many challenges it has signed.
    counter: u32,
}

impl Authenticator {
    pub(crate) fn new(origin: &str, rp_id: &str) -> Self {
        let mut id = [0; 16];
        OsRng.fill_bytes(&mut id);
        Self {
            key: SigningKey::random(&mut OsRng),
            id,
            origin: origin.to_owned(),
            rp_id: rp_id.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            counter: 0,
        }
    }

    /// The same passkey, with answers for another site.
    pub(crate) fn at(mut self, origin: &str, rp_id: &str) -> Self {
        (self.origin, self.rp_id) = (origin.to_owned(), rp_id.to_owned());
        self
    }

    /// It answers without asking for the lock.
    pub(crate) fn without_user_verification(mut self) -> Self {
        self.flags = USER_PRESENT;
        self
    }

    /// The answer to the options of a registration.
    pub(crate) fn create(&self, options: &Value) -> Value {
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut credential = [0; 16].to_vec();
        credential.extend([0, 16]);
        credential.extend(self.id);
        // COSE: {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        credential.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        credential.extend(point.x().unwrap());
        credential.extend([0x22, 0x58, 0x20]);
        credential.extend(point.y().unwrap());
        let data = [self.data(self.flags | HAS_CREDENTIAL), credential].concat();
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        json!({
            "id": base64(self.id), "rawId": base64(self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(self.client_data("webauthn.create", options)),
                "attestationObject": base64(object), "transports": ["internal"],
            },
        })
    }

    /// The answer to the options of a verification.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let (data, client_data) = (self.data(self.flags), self.client_data("webauthn.get", options));
        let signed = [data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": base64(self.id), "rawId": base64(self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(client_data), "authenticatorData": base64(data),
                "signature": base64(signature.to_der()), "userHandle": null,
            },
        })
    }

    /// The authenticator data without a credential.
    fn data(&self, flags: u8) -> Vec<u8> {
        [Sha256::digest(&self.rp_id).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        json!({
            "type": kind, "challenge": options["publicKey"]["challenge"], "origin": self.origin, "crossOrigin": false,
        })
        .to_string()
    }
}
