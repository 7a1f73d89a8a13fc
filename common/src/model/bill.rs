//! Bills and income that recur: as the ledger shows them, and as the person has said.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::words::words;
use crate::id::{AccountId, PotId, TransactionId};
use crate::money::Currency;

/// What is paid, or comes in, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// Stays the same as long as the bill does (`bill_…`); of an income `income_…`.
    pub id: String,
    /// Its name: the person's, else the payee's.
    pub name: String,
    /// Whom it pays, or who pays, as the bank says it.
    pub payee: String,
    /// The account that pays or receives.
    pub account_id: AccountId,
    /// The pot that pays.
    pub pot_id: Option<PotId>,
    /// The category of the latest payment.
    pub category: String,
    /// How often, and on which days.
    pub rhythm: BillRhythm,
    /// The rhythm in words.
    pub text: String,
    /// The next expected day; nothing once it has ended.
    pub next_on: Option<Date>,
    /// The earliest day on which the next one may come.
    pub next_from: Option<Date>,
    /// The latest day on which the next one may come.
    pub next_to: Option<Date>,
    /// What is to come in about the next two months, oldest first.
    pub due: Vec<BillDue>,
    /// What the next one will most likely be, in minor units, more than zero.
    pub estimate: i64,
    /// What the next one will be at most (of an income: at least), in minor units.
    pub upper: i64,
    /// Currency of the amounts.
    pub currency: Currency,
    /// The latest payment.
    pub last: Option<BillPayment>,
    /// Where it stands.
    pub state: BillState,
    /// Whether its pot or account now holds enough for all that is due until then; nothing where that cannot be said.
    pub covered: Option<bool>,
    /// What it costs or brings a year at the present price, in minor units.
    pub cost_a_year: i64,
    /// When its price changed, oldest first.
    pub price_changes: Vec<PriceChange>,
    /// How many payments there will be, where the person has said so.
    pub instalments: Option<Instalments>,
    /// How sure it is, from 0 to 1 in hundredths.
    pub confidence: Confidence,
    /// How it is known.
    pub origin: BillOrigin,
    /// The payments that it was learnt from, oldest first.
    pub transaction_ids: Vec<TransactionId>,
    /// The person has confirmed it.
    pub confirmed: bool,
    /// The person has said that it is no bill.
    pub ignored: bool,
    /// What this is concluded from, in sentences.
    pub evidence: Vec<String>,
}

/// A payment to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillDue {
    /// The expected day.
    pub on: Date,
    /// Minor units, at most.
    pub upper: i64,
}

/// How often something is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillRhythm {
    /// The unit.
    pub every: RhythmUnit,
    /// So many of it.
    pub count: u16,
    /// The day: `15`, `last`, `last-working-day`, `thursday`, `second-monday`; nothing where days are counted.
    pub day: Option<String>,
    /// The months in which it is paid, from 1, where not in all.
    pub months: Vec<i8>,
    /// Where a day goes on which banks rest.
    pub adjust: RhythmAdjust,
}

/// A unit of rhythms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RhythmUnit {
    /// Days.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Years.
    Year,
}

/// Where a day goes on which banks rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RhythmAdjust {
    /// To the working day before.
    Before,
    /// To the working day after.
    After,
    /// Nowhere.
    None,
}

/// A payment of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillPayment {
    /// The transaction.
    pub transaction_id: TransactionId,
    /// Its local day.
    pub on: Date,
    /// Minor units, more than zero.
    pub amount: i64,
}

/// A change of price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriceChange {
    /// The first payment at the new price.
    pub on: Date,
    /// The old price, in minor units.
    pub before: i64,
    /// The new price, in minor units.
    pub after: i64,
}

/// How far a bill of a known number of payments is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Instalments {
    /// Payments made.
    pub paid: u32,
    /// Of so many.
    pub of: u32,
    /// What is left to pay, in minor units.
    pub left: i64,
}

/// Where a bill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillState {
    /// To be paid before the next payday.
    Due,
    /// Paid, and nothing more is due before the next payday.
    Paid,
    /// Should have been paid, and still may be.
    Late,
    /// Was not paid; the next one is awaited.
    Missed,
    /// The latest payment was at another price.
    PriceChanged,
    /// The latest payment was taken twice.
    Doubled,
    /// Over: payments stay away, or all instalments are paid.
    Ended,
}

words! {
    BillState, "state of a bill",
    Due => "due",
    Paid => "paid",
    Late => "late",
    Missed => "missed",
    PriceChanged => "price_changed",
    Doubled => "doubled",
    Ended => "ended",
}

/// How a bill is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillOrigin {
    /// By the mandate of direct debits.
    Mandate,
    /// By the bank's standing order.
    StandingOrder,
    /// By the bank's key of a subscription.
    Subscription,
    /// By name, amount and day.
    Found,
    /// The person has said so.
    Person,
}

words! {
    BillOrigin, "origin of a bill",
    Mandate => "mandate",
    StandingOrder => "standing_order",
    Subscription => "subscription",
    Found => "found",
    Person => "person",
}

/// A share from 0 to 1 in hundredths: a number in JSON, and never a float here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(u8);

impl Confidence {
    /// Of per cent.
    pub fn from_percent(percent: u8) -> Self {
        Self(percent.min(100))
    }

    /// In per cent.
    pub fn percent(self) -> u8 {
        self.0
    }

    fn text(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    fn read(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let hundredths: String = part.chars().chain("00".chars()).take(2).collect();
        let percent = whole.parse::<u8>().ok()?.checked_mul(100)?.checked_add(hundredths.parse().ok()?)?;
        (percent <= 100).then_some(Self(percent))
    }
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: serde_json::Number = self.text().parse().map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("a confidence is a number from 0 to 1");
        Self::read(&number.to_string()).ok_or_else(wrong)
    }
}

impl JsonSchema for Confidence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Confidence".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A bill that the ledger does not show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NewBill {
    /// Its name, and whom it pays.
    pub name: String,
    /// Minor units, more than zero.
    pub amount: i64,
    /// The unit of its rhythm.
    pub every: RhythmUnit,
    /// So many of the unit.
    pub count: u16,
    /// The day of its next payment.
    pub on: Date,
    /// The account that pays.
    pub account_id: AccountId,
    /// The pot that pays.
    pub pot_id: Option<PotId>,
}

/// What a person's word on a bill did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillChange {
    /// The bill as it is now; nothing where it is gone.
    pub bill: Option<Bill>,
    /// Something changed; `false` means that it was so already.
    pub changed: bool,
}

/// How well bills would have been predicted at each past payday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillAccuracy {
    /// Paydays at which it was predicted what comes until the next.
    pub paydays: u32,
    /// The first of them.
    pub since: Option<Date>,
    /// The last of them.
    pub until: Option<Date>,
    /// Of bills with a key of the bank, then of others, then of all.
    pub rows: Vec<BillAccuracyRow>,
}

/// How well bills of one kind would have been predicted. Shares are hundredths of a per cent, and null of nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillAccuracyRow {
    /// `mandate`, `found` or `all`.
    pub kind: String,
    /// Payments that came, of bills that had been paid three times (two, for yearly ones).
    pub payments: u32,
    /// Of the bills that were predicted, those that are bills.
    pub stream_precision: Option<u32>,
    /// Of the bills, those that were known.
    pub stream_recall: Option<u32>,
    /// Of the payments that were predicted, those that came within five days.
    pub payment_precision: Option<u32>,
    /// Of the payments that came, those that were predicted.
    pub payment_recall: Option<u32>,
    /// Of the next dates, those that were the very day.
    pub on_the_day: Option<u32>,
    /// Of the next dates, those within a working day.
    pub within_one: Option<u32>,
    /// Of the next dates, those within three working days.
    pub within_three: Option<u32>,
    /// Of the payments, those that were no more than the upper estimate.
    pub under_upper: Option<u32>,
    /// By how much upper estimates were too high, on average.
    pub excess: Option<u32>,
    /// Payments until a bill was known, on average, in tenths.
    pub delay: Option<u32>,
    /// Days until an end was told, on average, in tenths.
    pub until_ended: Option<u32>,
    /// Bills that were told and were none.
    pub false_alarms: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_a_number_from_0_to_1() {
        for percent in 0..=100 {
            let confidence = Confidence::from_percent(percent);
            let json = serde_json::to_string(&confidence).expect("JSON");
            assert_eq!(serde_json::from_str::<Confidence>(&json).expect("and back"), confidence, "{json}");
        }
        assert_eq!(serde_json::to_string(&Confidence::from_percent(87)).expect("JSON"), "0.87");
        assert_eq!(serde_json::from_str::<Confidence>("1").expect("a whole number").percent(), 100);
        for wrong in ["1.01", "-0.5", "\"0.5\"", "1e3", "300"] {
            assert!(serde_json::from_str::<Confidence>(wrong).is_err(), "{wrong}");
        }
    }
}
