//! A user, as the token of their phone describes them, and the shapes in which they are shown.
//!
//! The server has no directory of users: it knows who a valid token says they are. Deliberately absent: tokens.

use scanlogin_protocol::wire::Person;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who a user is. The names on the wire are the claims of OpenID Connect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id that never changes.
    #[serde(rename = "sub")]
    pub id: String,
    /// The pool that the user belongs to: the id is theirs alone only there.
    #[serde(default, rename = "userPoolId")]
    pub user_pool_id: String,
    /// The mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether somebody has made sure that it is theirs.
    #[serde(default)]
    pub email_verified: bool,
    /// What they sign in with.
    #[serde(default, rename = "preferred_username", skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The name that other people know them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of a picture of them.
    #[serde(default, rename = "picture", skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
    /// The phone number.
    #[serde(default, rename = "phone_number", skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl User {
    /// Whether this is `other`. An owner whom an older version kept has no pool: there was only one.
    pub fn is(&self, other: &Self) -> bool {
        self.id == other.id && (self.user_pool_id == other.user_pool_id || self.user_pool_id.is_empty())
    }

    /// What a page may show before the user has approved: a name and a picture.
    pub fn person(&self) -> Person {
        Person { nickname: self.nickname.clone().or_else(|| self.name.clone()), photo: self.photo.clone() }
    }

    /// All that their token says, in the shape that clients know. What is not known is empty, never null.
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

/// A user in the shape that clients know.
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
    fn what_is_not_known_of_a_user_is_empty_and_never_null() {
        let profile = serde_json::to_value(User { id: "u1".to_owned(), ..User::default() }.profile()).unwrap();
        assert_eq!(
            profile,
            json!({ "id": "u1", "email": "", "emailVerified": false, "oauth": "", "username": "", "nickname": "",
                    "company": "", "photo": "", "phone": "" })
        );
    }

    #[test]
    fn an_id_names_a_user_within_their_pool_only() {
        let alice_of = |pool: &str| User { id: "a".to_owned(), user_pool_id: pool.to_owned(), ..User::default() };
        assert!(alice_of("staff").is(&alice_of("staff")));
        assert!(!alice_of("staff").is(&alice_of("customers")));
        assert!(!alice_of("staff").is(&User { id: "b".to_owned(), ..alice_of("staff") }));
        assert!(alice_of("").is(&alice_of("staff")), "an owner from before pools were kept");
    }

    #[test]
    fn a_user_without_a_nickname_is_shown_under_their_name() {
        let user = User { name: Some("Alice Liddell".to_owned()), ..User::default() };
        assert_eq!(user.person().nickname.as_deref(), Some("Alice Liddell"));
    }
}
