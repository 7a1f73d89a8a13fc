//! Few conversations at a time, of which the newest wins: who holds a place and says nothing cannot keep others out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

/// Conversations; when the connections ends, those that are being answered still get their answer.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    members: Mutex<VecDeque<Member>>,
}

#[derive(Debug)]
struct Member {
    asked: Asked,
    task: JoinHandle<()>,
}

/// Whether the other end has asked for something.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// It has.
    pub fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn yes(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Connections {
    /// At most so many at a time.
    pub fn new(limit: usize) -> Self {
        Self { limit, members: Mutex::default() }
    }

    /// Begins a conversation; if there are too many, the oldest one that has not asked for anything is ended, or
    /// else the oldest.
    pub fn admit<F>(&self, converse: impl FnOnce(Asked) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|member| !member.task.is_finished());
        if members.len() >= self.limit {
            let oldest = members.iter().position(|member| !member.asked.yes()).unwrap_or(0);
            if let Some(member) = members.remove(oldest) {
                member.task.abort();
            }
        }
        let asked = Asked::default();
        let task = tokio::spawn(converse(asked.clone()));
        members.push_back(Member { asked, task });
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let members = self.members.get_mut().unwrap_or_else(PoisonError::into_inner);
        for member in members.iter().filter(|member| !member.asked.yes()) {
            member.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Admits a conversation that lasts, and answers what tells of its end.
    fn admit(connections: &Connections, asks: bool) -> oneshot::Receiver<()> {
        let (alive, ended) = oneshot::channel();
        connections.admit(|asked| {
            if asks {
                asked.note();
            }
            async move {
                let _alive: oneshot::Sender<()> = alive;
                std::future::pending::<()>().await;
            }
        });
        ended
    }

    #[tokio::test]
    async fn the_oldest_silent_one_makes_room_for_the_newest() {
        let connections = Connections::new(3);
        let mut asking = admit(&connections, true);
        let silent = admit(&connections, false);
        let mut last = admit(&connections, false);
        let mut newest = admit(&connections, true);
        silent.await.expect_err("it was ended");
        for alive in [&mut asking, &mut last, &mut newest] {
            assert!(alive.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        }
    }

    #[tokio::test]
    async fn where_all_have_asked_the_oldest_makes_room() {
        let connections = Connections::new(1);
        let oldest = admit(&connections, true);
        let _newest = admit(&connections, true);
        oldest.await.expect_err("it was ended");
    }

    #[tokio::test]
    async fn silent_ones_end_with_the_crowd_and_others_get_their_answer() {
        let connections = Connections::new(2);
        let (silent, mut asking) = (admit(&connections, false), admit(&connections, true));
        drop(connections);
        silent.await.expect_err("it was ended");
        assert!(asking.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
    }
}
