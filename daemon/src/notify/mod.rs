//! Tells a person what happened beyond this machine: so far in the feed of their Monzo app.
//!
//! A notice is written before it is sent, and noted as sent before it leaves: the bank's feed has no key against a
//! second time (monzo/README.md, The feed), and a line that is missing costs less than the same line every minute. What
//! surely did not leave is sent later, unless it is no longer news by then.

mod news;

use std::sync::Arc;

use jiff::SignedDuration;
use monzo_common::id::AccountId;
use monzo_common::model::{Attention, Delivery, DeliveryState, Event};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::Topic;
use crate::events::Kind;
use crate::metrics::Metrics;
use crate::monzo::{Client, MoveError};
use crate::store::{Fate, Reader, Store, StoreError, Waiting};

/// The channel, as people and metrics call it.
const FEED: &str = "feed";

/// How long something is news. Taste: a day later a person has looked.
const NEWS: SignedDuration = SignedDuration::from_hours(24);

/// Items in the feed within a day. Taste: more than a person reads, and a bound on whatever goes wrong.
const PER_DAY: u64 = 24;

/// Events that are looked through at a time.
const PAGE: u32 = 200;

/// What is told, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The kinds of news.
    pub topics: Vec<Topic>,
    /// In the feed of the Monzo app.
    pub feed: bool,
    /// Amounts of money may be in it.
    pub amounts: bool,
}

impl Settings {
    fn tells(&self, topic: Topic) -> bool {
        self.feed && self.topics.contains(&topic)
    }
}

/// What telling stands on.
pub struct Rooms {
    /// The database.
    pub store: Store,
    /// The bank.
    pub client: Client,
    /// The time.
    pub clock: Clock,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// The configuration, as it changes.
    pub settings: watch::Receiver<Settings>,
}

/// Tells what is news.
#[derive(Clone)]
pub struct Notifier(Arc<Rooms>);

impl Notifier {
    /// A notifier in these rooms; whoever holds it says when to look.
    pub fn new(rooms: Rooms) -> Self {
        Self(Arc::new(rooms))
    }

    /// Writes down what is news, and sends what waits. `attention` is all that needs a person, each with whether they
    /// have silenced it.
    ///
    /// # Errors
    /// As every deed at the database; what was not noted is news again at the next look.
    pub async fn tell(&self, attention: &[(Attention, bool)]) -> Result<(), StoreError> {
        let settings = self.0.settings.borrow().clone();
        while self.gather(attention, &settings).await? {}
        if settings.feed { self.deliver(attention).await } else { Ok(()) }
    }

    /// Sends a line that says nothing else, now.
    ///
    /// # Errors
    /// As every question to the database.
    pub async fn test(&self) -> Result<Vec<Delivery>, StoreError> {
        if !self.0.settings.borrow().feed {
            return Ok(Vec::new());
        }
        let Some(account) = self.first_account().await? else { return Ok(Vec::new()) };
        let body = "This is a test of `monzoctl notify test`.";
        let sent = self.0.client.feed(&account, "monzod can reach you", body).await;
        Ok(vec![self.delivery(sent)])
    }

    /// Notes the news since the last look; `true` if there are more events to look through.
    async fn gather(&self, attention: &[(Attention, bool)], settings: &Settings) -> Result<bool, StoreError> {
        let read = self.0.store.read(|reader| {
            let told_to = reader.told_to()?;
            let newest = reader.newest_event()?;
            // Nothing is told of the time before anything was told, nor of that before a restore.
            let from = told_to.unwrap_or(newest);
            let (mut events, more) = reader.events(Some(from), None, PAGE)?;
            let to = events.last().map_or(from, |event| event.id);
            let by_hand = by_hand(reader, &events)?;
            events.retain(|event| !by_hand.contains(&event.id));
            let stale = if told_to.is_none() { reader.waiting_notices()? } else { Vec::new() };
            Ok((told_to, to, events, more, stale, reader.matters()?))
        });
        let (told_to, to, events, more, stale, known) = read.await?;
        let now = self.0.clock.now();
        let looked = news::of_attention(&known, attention, now, settings);
        let mut notices: Vec<_> = events.iter().filter_map(|event| news::of_event(event, settings)).collect();
        notices.extend(looked.notices);
        if told_to == Some(to) && notices.is_empty() && looked.matters.is_empty() {
            return Ok(false);
        }
        let noted = self.0.store.write(move |writer| {
            for old in &stale {
                writer.step_notice(old.id, Fate::Waiting, Fate::Dropped)?;
            }
            writer.insert_notices(&notices, now)?;
            for (id, matter) in &looked.matters {
                writer.set_matter(id, matter.as_ref())?;
            }
            writer.set_told_to(to)
        });
        noted.await?;
        Ok(more)
    }

    /// Sends what waits, oldest first, until the bank does not take any more.
    async fn deliver(&self, attention: &[(Attention, bool)]) -> Result<(), StoreError> {
        let waiting = self.0.store.read(|reader| reader.waiting_notices()).await?;
        for waits in waiting {
            let now = self.0.clock.now();
            if now.duration_since(waits.at) > NEWS || over(&waits, attention) {
                self.step(waits.id, Fate::Waiting, Fate::Dropped).await?;
                continue;
            }
            let since = now.checked_sub(NEWS).unwrap_or(now);
            let sent = self.0.store.read(move |reader| reader.notices_sent_between(since, now)).await?;
            let account = match waits.notice.account_id.clone() {
                Some(account) => Some(account),
                None => self.first_account().await?,
            };
            let (Some(account), true) = (account, sent < PER_DAY) else { return Ok(()) };
            if !self.step(waits.id, Fate::Waiting, Fate::Sent).await? {
                continue;
            }
            let sent = self.0.client.feed(&account, &waits.notice.title, &waits.notice.body).await;
            let delivery = self.delivery(sent);
            match delivery.state {
                DeliveryState::Sent | DeliveryState::Unknown => {}
                DeliveryState::Refused => drop(self.step(waits.id, Fate::Sent, Fate::Refused).await?),
                DeliveryState::NotSent => {
                    self.step(waits.id, Fate::Sent, Fate::Waiting).await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn step(&self, id: i64, from: Fate, to: Fate) -> Result<bool, StoreError> {
        self.0.store.write(move |writer| writer.step_notice(id, from, to)).await
    }

    /// The account in whose feed belongs what is about none.
    async fn first_account(&self) -> Result<Option<AccountId>, StoreError> {
        let accounts = self.0.store.read(|reader| reader.accounts()).await?;
        let mut open: Vec<_> =
            accounts.into_iter().filter(|account| !account.closed && account.pot_id.is_none()).collect();
        open.sort_by_key(|account| account.kind != "uk_retail");
        Ok(open.into_iter().next().map(|account| account.id))
    }

    fn delivery(&self, sent: Result<(), MoveError>) -> Delivery {
        let state = match &sent {
            Ok(()) => DeliveryState::Sent,
            Err(MoveError::Unknown(_)) => DeliveryState::Unknown,
            Err(MoveError::Refused { .. }) => DeliveryState::Refused,
            Err(MoveError::NotDone(_)) => DeliveryState::NotSent,
        };
        self.0.metrics.notified(FEED, state.as_str());
        if let Err(error) = &sent {
            tracing::info!(%error, channel = FEED, "a notification was not delivered");
        }
        Delivery { channel: FEED.to_owned(), state, error: sent.err().map(|error| error.to_string()) }
    }
}

/// Proposals that a person asked for themselves: they have them before their eyes.
fn by_hand(reader: &Reader<'_>, events: &[Event]) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::new();
    for event in events.iter().filter(|event| event.kind == Kind::RunProposed.as_str()) {
        if let Some(run) = &event.run_id
            && reader.run(run)?.by_hand()
        {
            found.push(event.id);
        }
    }
    Ok(found)
}

/// An attention that is gone before it could be told is no longer news.
fn over(waits: &Waiting, attention: &[(Attention, bool)]) -> bool {
    waits.notice.topic == Topic::Attention.as_str()
        && !attention.iter().any(|(one, _)| one.id == waits.notice.subject)
}
