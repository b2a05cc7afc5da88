//! A user, as described by the claims of an approver's token, and the formats in which responses show a user.
//!
//! The server has no user directory. Its only source of user data is a valid token.

use scanlogin_protocol::wire::Person;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The identity and profile of a user. Most serialized names are OpenID Connect claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The stable id, unique within the pool.
    #[serde(rename = "sub")]
    pub id: String,
    /// The id of the user pool. Empty in records of older versions, which had only one pool.
    #[serde(default, rename = "userPoolId")]
    pub user_pool_id: String,
    /// The email address. `None` if the token has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the issuer of the token has verified the email address. `false` if the token does not say.
    #[serde(default)]
    pub email_verified: bool,
    /// The user name for signing in. `None` if the token has none.
    #[serde(default, rename = "preferred_username", skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The name to show to other people. `None` if the token has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The full name. `None` if the token has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The URL of a picture. `None` if the token has none.
    #[serde(default, rename = "picture", skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
    /// The phone number. `None` if the token has none.
    #[serde(default, rename = "phone_number", skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl User {
    /// Whether both are the same user. If `self` has no pool, only the ids are compared: older versions stored owners
    /// without a pool.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id && (self.user_pool_id == other.user_pool_id || self.user_pool_id.is_empty())
    }

    /// The data that a page may show before the user confirms: a name and a picture.
    pub fn person(&self) -> Person {
        Person { nickname: self.nickname.clone().or_else(|| self.name.clone()), photo: self.photo.clone() }
    }

    /// The full profile, in the format of the API. Unknown values are empty strings, never null.
    pub fn profile(&self) -> Profile {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let person = self.person();
        Profile {
            id: self.id.clone(),
            email: text(&self.email),
            email_verified: self.email_verified,
            oauth: String::new(),
            username: text(&self.username),
            nickname: text(&person.nickname),
            company: String::new(),
            photo: text(&person.photo),
            phone: text(&self.phone),
        }
    }
}

/// The profile of a user in API responses. Unknown values are empty strings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    id: String,
    email: String,
    email_verified: bool,
    oauth: String,
    username: String,
    nickname: String,
    company: String,
    photo: String,
    phone: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn profile_has_empty_strings_for_unknown_values() {
        let profile = serde_json::to_value(User { id: "u1".to_owned(), ..User::default() }.profile()).unwrap();
        assert_eq!(
            profile,
            json!({ "id": "u1", "email": "", "emailVerified": false, "oauth": "", "username": "", "nickname": "",
                    "company": "", "photo": "", "phone": "" })
        );
    }

    #[test]
    fn is_compares_the_id_and_the_pool() {
        let alice_of = |pool: &str| User { id: "a".to_owned(), user_pool_id: pool.to_owned(), ..User::default() };
        assert!(alice_of("staff").is(&alice_of("staff")));
        assert!(!alice_of("staff").is(&alice_of("customers")));
        assert!(!alice_of("staff").is(&User { id: "b".to_owned(), ..alice_of("staff") }));
        assert!(alice_of("").is(&alice_of("staff")), "an owner stored without a pool");
    }

    #[test]
    fn person_without_a_nickname_has_the_full_name() {
        let user = User { name: Some("Alice Liddell".to_owned()), ..User::default() };
        assert_eq!(user.person().nickname.as_deref(), Some("Alice Liddell"));
    }
}
