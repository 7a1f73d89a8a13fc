//! Who is at the other end of a connection, as the kernel and the user database say it.
//!
//! The kernel names the peer's uid, but of its groups only the current one, so that the uid is looked up:
//! whoever is in a group by `usermod -aG` is in it here too. The pid is told, never trusted: numbers are used again.

use std::sync::Arc;

use tokio::net::UnixStream;

use crate::config::Principal;

/// What the kernel says about the other end, at the moment of its connecting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub uid: u32,
    /// The group that the process runs with.
    pub gid: u32,
    /// The process, for information.
    pub pid: Option<i32>,
}

impl Credentials {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The kernel's, where the connection is over already.
    pub fn of(stream: &UnixStream) -> std::io::Result<Self> {
        let cred = stream.peer_cred()?;
        Ok(Self { uid: cred.uid(), gid: cred.gid(), pid: cred.pid() })
    }
}

/// A group that a peer is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub gid: u32,
    /// Its name.
    pub name: String,
}

/// A user of this machine that has connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The user.
    pub uid: u32,
    /// The process, for information.
    pub pid: Option<i32>,
    /// The user's name; unknown users have none.
    pub name: Option<String>,
    /// Primary and supplementary groups, and the one that the process runs with.
    pub groups: Vec<Group>,
}

/// How a peer is looked up; it may block.
pub type Lookup = Arc<dyn Fn(Credentials) -> Peer + Send + Sync>;

/// Looks a peer up in the user database; this may read files and ask name services.
pub fn look_up(credentials: Credentials) -> Peer {
    let Credentials { uid, gid, pid } = credentials;
    let Some(user) = uzers::get_user_by_uid(uid) else {
        return Peer { uid, pid, name: None, groups: Vec::new() };
    };
    let listed = uzers::get_user_groups(user.name(), user.primary_group_id());
    let running = uzers::get_group_by_gid(gid);
    let mut groups: Vec<Group> = listed.into_iter().flatten().chain(running).map(group).collect();
    groups.sort_by_key(|group| group.gid);
    groups.dedup_by_key(|group| group.gid);
    Peer { uid, pid, name: Some(user.name().to_string_lossy().into_owned()), groups }
}

/// Whether the user database knows this user or group; digits are a number. It may block.
pub fn is_known(who: &Principal) -> bool {
    match who {
        Principal::User(name) => match name.parse() {
            Ok(uid) => uzers::get_user_by_uid(uid).is_some(),
            Err(_) => uzers::get_user_by_name(name).is_some(),
        },
        Principal::Group(name) => match name.parse() {
            Ok(gid) => uzers::get_group_by_gid(gid).is_some(),
            Err(_) => uzers::get_group_by_name(name).is_some(),
        },
    }
}

/// The users, or groups, of this machine's own files, for whoever mistypes one. It blocks.
pub fn names_like(who: &Principal) -> Vec<String> {
    let (file, prefix) = match who {
        Principal::User(_) => ("/etc/passwd", ""),
        Principal::Group(_) => ("/etc/group", "@"),
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| Some(format!("{prefix}{}", line.split_once(':')?.0))).collect()
}

// By value, because it maps an iterator of owned groups.
#[allow(clippy::needless_pass_by_value)]
fn group(group: uzers::Group) -> Group {
    Group { gid: group.gid(), name: group.name().to_string_lossy().into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_runs_this_is_found_with_its_group() {
        let (uid, gid) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        let peer = look_up(Credentials { uid, gid, pid: Some(1) });
        assert_eq!((peer.uid, peer.pid), (uid, Some(1)));
        assert!(peer.name.is_some(), "uid {uid} is in the user database");
        assert!(peer.groups.iter().any(|group| group.gid == gid), "{:?}", peer.groups);
    }

    #[test]
    fn an_unknown_user_has_no_name_and_no_groups() {
        let peer = look_up(Credentials { uid: 3_999_999_999, gid: 0, pid: None });
        assert_eq!((peer.name, peer.groups), (None, Vec::new()));
    }
}
