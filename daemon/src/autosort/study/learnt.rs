//! What the whole ledger shows of bills, pay and deposits, with the person's word on bills; read once, for all who ask.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::autosort::decide::calendar;
use crate::autosort::snapshot::trigger_inputs::own;
use crate::autosort::{Services, Settings};
use crate::insight::bills::{self, Known};
use crate::insight::{history, payday, recurring};
use crate::monzo::series;
use crate::rule::{Adjust, Day, Nation, Payday, Rhythm};
use crate::store::{StoreError, StoredBillWord};

/// How far back is learnt from: an annual bill twice.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 800);

/// How far ahead bills are looked for.
const AHEAD: i64 = 62;

/// What was learnt.
pub(crate) struct Learnt {
    /// Pay, the largest first.
    pub pays: Vec<payday::Pay>,
    /// Bills, with those that have ended or are ignored.
    pub known: Vec<Known>,
    /// What goes into pots regularly.
    pub deposits: Vec<recurring::Bill>,
    /// All that left and came back, card purchases that cannot recur left out.
    pub rows: Vec<recurring::Row>,
    /// The same without transfers between own accounts: what bills are learnt from.
    pub payments: Vec<recurring::Row>,
    /// What the person has said of bills.
    pub words: Vec<StoredBillWord>,
    /// The local day.
    pub today: Date,
}

/// The first pay calendar, or one that only knows working days.
pub(crate) fn own_calendar(settings: &Settings) -> Payday {
    settings.paydays.first().cloned().unwrap_or_else(|| Payday {
        name: String::new(),
        rhythm: Rhythm::Monthly(Day::LastWorking),
        adjust: Adjust::Before,
        nation: Nation::EnglandAndWales,
        extra_holidays: Vec::new(),
        income: None,
    })
}

/// Reads the ledger and learns from it.
pub(crate) async fn learn(services: &Services) -> Result<Learnt, StoreError> {
    let (settings, now) = (services.settings(), services.clock.now());
    let since = now.checked_sub(BACK).unwrap_or(Timestamp::MIN);
    let zone = settings.zone.clone();
    let read = services.store.read(move |reader| {
        let rows = history::payments(reader, (since, now), &zone, series)?;
        let own = own(reader)?;
        let credits = history::credits(reader, (since, now), &zone, &rows, |raw| own.is_other_side(raw))?;
        let deposits = history::deposits(reader, (since, now), &zone)?;
        Ok((rows, credits, deposits, reader.bill_words()?))
    });
    let (rows, credits, deposits, words) = read.await?;
    let today = calendar::local_date(now, &settings.zone);
    let horizon = today.checked_add(SignedDuration::from_hours(24 * AHEAD)).unwrap_or(Date::MAX);
    let own = own_calendar(&settings);
    let rhythm = calendar::Rhythmic::of(&own);
    let working = |day: Date| rhythm.is_working(day);
    let payments = history::without_own_transfers(&rows);
    Ok(Learnt {
        pays: payday::found(&credits, today, &working),
        known: bills::known(&payments, &words, (today, horizon), &working),
        deposits: recurring::bills(&deposits, today, horizon, &working),
        rows,
        payments,
        words,
        today,
    })
}

impl Learnt {
    /// The next payday after today: the calendar's, else that of the pay that was found, else a month from now.
    pub fn next_payday(&self, settings: &Settings) -> Date {
        let configured = settings.paydays.first().and_then(|payday| calendar::after(payday, self.today));
        let found = || self.pays.first()?.next.iter().map(|(date, _)| *date).find(|date| *date > self.today);
        let month = || self.today.checked_add(SignedDuration::from_hours(24 * 31)).unwrap_or(Date::MAX);
        configured.or_else(found).unwrap_or_else(month)
    }
}
