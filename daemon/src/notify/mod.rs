//! Notifications: tells a person what happened, so far in the feed of their Monzo app.
//!
//! A notice is stored before it is sent, and marked as sent before the request leaves: the bank's feed has no
//! idempotency key (monzo/README.md, The feed), and a missing notice costs less than the same notice every minute. A
//! notice that certainly did not leave is sent later, unless it is no longer news by then.

mod news;

use std::sync::Arc;

use jiff::SignedDuration;
use monzo_common::id::AccountId;
use monzo_common::model::{Delivery, DeliveryState, Event};
use tokio::sync::watch;

use crate::attention::Observed;
use crate::clock::Clock;
use crate::config::Topic;
use crate::events::Kind;
use crate::metrics::Metrics;
use crate::monzo::{Client, MoveError};
use crate::store::{NoticeState, Reader, Store, StoreError, Waiting};

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

/// What a notifier is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The bank.
    pub client: Client,
    /// The time.
    pub clock: Clock,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// The configuration, as it changes.
    pub settings: watch::Receiver<Settings>,
}

/// Sends notices.
#[derive(Clone)]
pub struct Notifier(Arc<Parts>);

impl Notifier {
    /// A notifier of these parts; it does nothing until [`Notifier::tell`].
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Stores what is news, and sends what waits; what could not be stored is news again the next time.
    pub async fn tell(&self, observed: &[Observed]) -> Result<(), StoreError> {
        let settings = self.0.settings.borrow().clone();
        while self.gather(observed, &settings).await? {}
        if settings.feed { self.deliver(observed).await } else { Ok(()) }
    }

    /// Sends a test now.
    pub async fn test(&self) -> Result<Vec<Delivery>, StoreError> {
        if !self.0.settings.borrow().feed {
            return Ok(Vec::new());
        }
        let Some(account) = self.first_account().await? else { return Ok(Vec::new()) };
        let body = "This is a test of `monzoctl notify test`.";
        let sent = self.0.client.feed(&account, "monzod can reach you", body).await;
        Ok(vec![self.delivery(sent)])
    }

    /// Stores the news since the last time; `true` if there are more events to look through.
    async fn gather(&self, observed: &[Observed], settings: &Settings) -> Result<bool, StoreError> {
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
            Ok((told_to, to, events, more, stale, reader.known_attention()?))
        });
        let (told_to, to, events, more, stale, known) = read.await?;
        let now = self.0.clock.now();
        let looked = news::of_attention(&known, observed, now, settings);
        let mut notices: Vec<_> = events.iter().filter_map(|event| news::of_event(event, settings)).collect();
        notices.extend(looked.notices);
        if told_to == Some(to) && notices.is_empty() && looked.known.is_empty() {
            return Ok(false);
        }
        let noted = self.0.store.write(move |writer| {
            for old in &stale {
                writer.step_notice(old.id, NoticeState::Waiting, NoticeState::Dropped)?;
            }
            writer.insert_notices(&notices, now)?;
            for (id, known) in &looked.known {
                writer.set_known_attention(id, known.as_ref())?;
            }
            writer.set_told_to(to)
        });
        noted.await?;
        Ok(more)
    }

    /// Sends what waits, oldest first, until the bank does not take any more.
    async fn deliver(&self, observed: &[Observed]) -> Result<(), StoreError> {
        let waiting = self.0.store.read(|reader| reader.waiting_notices()).await?;
        for waits in waiting {
            let now = self.0.clock.now();
            if now.duration_since(waits.at) > NEWS || over(&waits, observed) {
                self.step(waits.id, NoticeState::Waiting, NoticeState::Dropped).await?;
                continue;
            }
            let since = now.checked_sub(NEWS).unwrap_or(now);
            let sent = self.0.store.read(move |reader| reader.notices_sent_between(since, now)).await?;
            let account = match waits.notice.account_id.clone() {
                Some(account) => Some(account),
                None => self.first_account().await?,
            };
            let (Some(account), true) = (account, sent < PER_DAY) else { return Ok(()) };
            if !self.step(waits.id, NoticeState::Waiting, NoticeState::Sent).await? {
                continue;
            }
            let sent = self.0.client.feed(&account, &waits.notice.title, &waits.notice.body).await;
            let delivery = self.delivery(sent);
            match delivery.state {
                DeliveryState::Sent | DeliveryState::Unknown => {}
                DeliveryState::Refused => {
                    self.step(waits.id, NoticeState::Sent, NoticeState::Refused).await?;
                }
                DeliveryState::NotSent => {
                    self.step(waits.id, NoticeState::Sent, NoticeState::Waiting).await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn step(&self, id: i64, from: NoticeState, to: NoticeState) -> Result<bool, StoreError> {
        self.0.store.write(move |writer| writer.step_notice(id, from, to)).await
    }

    /// The account whose feed gets the notices that are about no account.
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

/// Events of runs that a person asked for: they know of them already.
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

/// Whether the notice is of an attention that has ended before it could be sent.
fn over(waits: &Waiting, observed: &[Observed]) -> bool {
    waits.notice.topic == Topic::Attention.as_str()
        && !observed.iter().any(|observed| observed.attention.id == waits.notice.subject)
}
