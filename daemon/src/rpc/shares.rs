//! Shares of what is limited: connections, calls at a time, bytes of answers that wait.
//!
//! One viewer gets at most a quarter, all viewers together a half, and one operator three quarters. So no viewer
//! can keep an operator out, and no operator another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use monzo_common::model::Role;

/// All the places there are, and who has them.
#[derive(Debug, Clone)]
pub struct Shares {
    all: u64,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    together: u64,
    by_viewers: u64,
    by_user: HashMap<u32, u64>,
}

/// Shares that somebody has, until this is dropped.
#[derive(Debug)]
pub struct Share {
    taken: Arc<Mutex<Taken>>,
    uid: u32,
    role: Role,
    amount: u64,
}

impl Shares {
    /// So many places.
    pub fn new(all: u64) -> Self {
        Self { all, taken: Arc::default() }
    }

    /// Takes `amount` places for a user, unless they have their share or all are taken.
    pub fn take(&self, uid: u32, role: Role, amount: u64) -> Option<Share> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let together = taken.together.saturating_add(amount);
        let by_user = taken.by_user.get(&uid).copied().unwrap_or(0).saturating_add(amount);
        let by_viewers = match role {
            Role::Viewer => taken.by_viewers.saturating_add(amount),
            Role::Operator => taken.by_viewers,
        };
        let fits = match role {
            Role::Viewer => by_user <= self.all.div_ceil(4) && by_viewers <= self.all.div_ceil(2),
            Role::Operator => by_user <= self.all.saturating_sub(self.all / 4),
        };
        if !fits || together > self.all {
            return None;
        }
        taken.together = together;
        taken.by_viewers = by_viewers;
        taken.by_user.insert(uid, by_user);
        Some(Share { taken: Arc::clone(&self.taken), uid, role, amount })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.together = taken.together.saturating_sub(self.amount);
        if self.role == Role::Viewer {
            taken.by_viewers = taken.by_viewers.saturating_sub(self.amount);
        }
        let left = taken.by_user.get(&self.uid).map_or(0, |has| has.saturating_sub(self.amount));
        if left == 0 {
            taken.by_user.remove(&self.uid);
        } else {
            taken.by_user.insert(self.uid, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one place after the other, as many as there are for this user.
    fn fill(places: &Shares, uid: u32, role: Role) -> Vec<Share> {
        std::iter::from_fn(|| places.take(uid, role, 1)).collect()
    }

    #[test]
    fn viewers_leave_half_to_operators_and_one_viewer_leaves_room_for_another() {
        let places = Shares::new(32);
        let ada = fill(&places, 1000, Role::Viewer);
        let eve = fill(&places, 1001, Role::Viewer);
        assert_eq!((ada.len(), eve.len()), (8, 8));
        assert!(places.take(1002, Role::Viewer, 1).is_none(), "viewers have their half");
        let root = fill(&places, 0, Role::Operator);
        assert_eq!(root.len(), 16, "the rest is for operators");
    }

    #[test]
    fn one_operator_leaves_places_to_another() {
        let places = Shares::new(32);
        let bob = fill(&places, 1000, Role::Operator);
        let root = fill(&places, 0, Role::Operator);
        assert_eq!((bob.len(), root.len()), (24, 8));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let places = Shares::new(32);
        drop(fill(&places, 1000, Role::Viewer));
        let again = fill(&places, 1000, Role::Viewer);
        assert_eq!(again.len(), 8);
        drop(again);
        assert!(places.taken.lock().expect("not poisoned").by_user.is_empty(), "nobody is remembered");
    }

    #[test]
    fn even_a_single_place_can_be_had_by_anybody() {
        for role in [Role::Viewer, Role::Operator] {
            let places = Shares::new(1);
            let held = places.take(1000, role, 1);
            assert!(held.is_some() && places.take(0, Role::Operator, 1).is_none(), "{role:?}");
        }
    }

    #[test]
    fn amounts_count_and_never_overflow() {
        let places = Shares::new(100);
        let held = places.take(1000, Role::Viewer, 25);
        assert!(held.is_some() && places.take(1000, Role::Viewer, 1).is_none());
        assert!(places.take(0, Role::Operator, u64::MAX).is_none());
    }
}
