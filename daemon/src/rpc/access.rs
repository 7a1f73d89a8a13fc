//! What a peer may do: pure, and decided once per connection before anything is read.
//!
//! Root and the daemon's own user are operators by nature, so that nobody can lock themselves out. Uid 65534 is
//! where user namespaces put everybody whom they do not know, and whoever the user database does not know could be
//! anybody: neither has a role.

use monzo_common::model::{Grant, Role};

use super::peer::Peer;
use crate::config::{self, Principal};

/// The overflow uid of user namespaces (`/proc/sys/kernel/overflowuid`).
const NOBODY: u32 = 65_534;

/// Everything that gives roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grants {
    own_uid: u32,
    config: Vec<(Principal, Role)>,
    added: Vec<(Principal, Role)>,
}

impl Grants {
    /// The daemon's own user, what the configuration gives, and what was added over the socket.
    pub fn new(own_uid: u32, config: &config::Access, added: &[(String, Role)]) -> Self {
        let mut grants = Self { own_uid, config: Vec::new(), added: Vec::new() };
        grants.configure(config);
        grants.add(added);
        grants
    }

    /// Takes what the configuration gives now.
    pub fn configure(&mut self, config: &config::Access) {
        let with = |role| move |who: &Principal| (who.clone(), role);
        let operators = config.operators.iter().map(with(Role::Operator));
        self.config = operators.chain(config.viewers.iter().map(with(Role::Viewer))).collect();
    }

    /// Takes what was added over the socket; what is no user or group gives nothing.
    pub fn add(&mut self, added: &[(String, Role)]) {
        let parse = |(who, role): &(String, Role)| Some((Principal::parse(who).ok()?, *role));
        self.added = added.iter().filter_map(parse).collect();
    }

    /// The highest role that `peer` has.
    pub fn role(&self, peer: &Peer) -> Option<Role> {
        if peer.uid == NOBODY {
            return None;
        }
        if peer.uid == 0 || peer.uid == self.own_uid {
            return Some(Role::Operator);
        }
        peer.name.as_ref()?;
        let all = self.config.iter().chain(&self.added);
        all.filter(|(who, _)| means(who, peer)).map(|(_, role)| *role).max()
    }

    /// Everything that gives roles, as a person reads it.
    pub fn list(&self) -> Vec<Grant> {
        let grant = |who: String, role, origin: &str| Grant { who, role, origin: origin.to_owned() };
        let mut list = vec![grant("root".into(), Role::Operator, "built-in")];
        if self.own_uid != 0 {
            list.push(grant(self.own_uid.to_string(), Role::Operator, "built-in"));
        }
        list.extend(self.config.iter().map(|(who, role)| grant(who.to_string(), *role, "config")));
        list.extend(self.added.iter().map(|(who, role)| grant(who.to_string(), *role, "added")));
        list
    }
}

/// Digits are a number and nothing else, so that a user called `0` is not root.
fn means(who: &Principal, peer: &Peer) -> bool {
    let same = |text: &str, number: u32, name: Option<&str>| match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse() == Ok(number),
        false => name == Some(text),
    };
    match who {
        Principal::User(user) => same(user, peer.uid, peer.name.as_deref()),
        Principal::Group(group) => peer.groups.iter().any(|in_| same(group, in_.gid, Some(&in_.name))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::peer::Group;
    use super::*;

    /// A peer of this name and uid in these groups.
    pub(crate) fn peer(uid: u32, name: &str, groups: &[(u32, &str)]) -> Peer {
        let groups = groups.iter().map(|(gid, name)| Group { gid: *gid, name: (*name).to_owned() }).collect();
        Peer { uid, pid: None, name: Some(name.to_owned()), groups }
    }

    fn grants(added: &[(&str, Role)]) -> Grants {
        let added: Vec<_> = added.iter().map(|(who, role)| ((*who).to_owned(), *role)).collect();
        Grants::new(990, &config::Access::default(), &added)
    }

    #[test]
    fn roles_come_from_nature_configuration_and_hand() {
        let unknown = Peer { name: None, ..peer(1234, "", &[(7, "monzod-admin")]) };
        let cases = [
            ("root", peer(0, "root", &[]), Some(Role::Operator)),
            ("the daemon's own user", peer(990, "monzod", &[]), Some(Role::Operator)),
            (
                "its own user, not in the database",
                Peer { name: None, ..peer(990, "", &[]) },
                Some(Role::Operator),
            ),
            ("a viewer", peer(1000, "ada", &[(7, "monzod")]), Some(Role::Viewer)),
            ("an operator", peer(1000, "ada", &[(7, "monzod"), (8, "monzod-admin")]), Some(Role::Operator)),
            ("a stranger", peer(1000, "ada", &[(100, "users")]), None),
            ("nobody", peer(65_534, "nobody", &[(8, "monzod-admin")]), None),
            ("an unknown uid", unknown, None),
        ];
        for (who, peer, expected) in cases {
            assert_eq!(grants(&[]).role(&peer), expected, "{who}");
        }
    }

    #[test]
    fn names_numbers_and_groups_can_be_given_a_role() {
        let ada = peer(1000, "ada", &[(100, "users")]);
        for who in ["ada", "1000", "@users", "@100"] {
            assert_eq!(grants(&[(who, Role::Viewer)]).role(&ada), Some(Role::Viewer), "{who}");
        }
        for who in ["Ada", "100", "@1000", "@ada", "users", "-1"] {
            assert_eq!(grants(&[(who, Role::Viewer)]).role(&ada), None, "{who}");
        }
    }

    #[test]
    fn the_highest_role_counts_and_a_name_of_digits_is_no_number() {
        let ada = peer(1000, "ada", &[]);
        let both = grants(&[("ada", Role::Operator), ("1000", Role::Viewer)]);
        assert_eq!(both.role(&ada), Some(Role::Operator));
        let digits = peer(2000, "1000", &[]);
        assert_eq!(grants(&[("1000", Role::Operator)]).role(&digits), None);
    }

    #[test]
    fn the_list_says_where_each_role_comes_from() {
        let list = grants(&[("ada", Role::Viewer)]).list();
        let list: Vec<_> = list.iter().map(|grant| (grant.who.as_str(), grant.origin.as_str())).collect();
        let expected = [
            ("root", "built-in"),
            ("990", "built-in"),
            ("@monzod-admin", "config"),
            ("@monzod", "config"),
            ("ada", "added"),
        ];
        assert_eq!(list, expected);
    }
}
