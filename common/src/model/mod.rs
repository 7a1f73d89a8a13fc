//! What a person can ask about, one file a noun, in the JSON that RPC and `--json` both print.
//!
//! All keys are always present and null where empty; amounts are integers of minor units beside one `currency`;
//! times end in `_at` and are RFC 3339 in UTC; ids are the bank's.

mod access;
mod account;
mod backup;
mod balance;
mod bill;
mod config;
mod event;
mod exclusion;
mod figures;
mod login;
mod notice;
mod pot;
mod raw_json;
mod sorter;
mod status;
mod sync;
mod transaction;
mod words;

pub use access::{Access, AccessChange, Grant, Role};
pub use account::Account;
pub use backup::{Backup, BackupChunk, Restored, Upload, Verification};
pub use balance::{Balance, BalancePoint};
pub use bill::{
    Bill, BillAccuracy, BillAccuracyRow, BillChange, BillDue, BillOrigin, BillPayment, BillRhythm, BillState,
    Confidence, Instalments, NewBill, PriceChange, RhythmAdjust, RhythmUnit,
};
pub use config::{ConfigChange, ConfigChangeKind, ConfigEntry, ConfigProblem, ConfigReload, ConfigReport};
pub use event::{Acknowledged, Event, EventPage, Severity};
pub use exclusion::{Excluded, Exclusion, ExclusionChange};
pub use figures::{
    Cashflow, CashflowRow, Compared, Comparison, EntryKind, FigureGroup, FigurePeriod, FigureRow, Figures,
    FiguresQuery, LeftOutOfFigures, Share,
};
pub use login::{Configured, LoggedOut, Login, LoginBegun, LoginState, Whoami};
pub use notice::{Delivery, DeliveryState};
pub use pot::{NeedsApp, Pot};
pub use raw_json::RawJson;
pub use sorter::{
    Approver, Backtest, BacktestRun, Freeze, FreezeChange, OccurrenceState, Outcome, PaydayCalendar,
    PaydayDate, Plan, PlanStep, PlannedBill, PlannedInput, PlannedTarget, PlannedTransfer, Rule, RuleMode,
    Run, RunCause, RunPage, RunStarted, RunState, StepKind, Suggestion, Transfer, TransferKind, TransferPage,
    TransferState, Why,
};
pub use status::{AccountStatus, Attention, Mode, SorterStatus, Status, SyncStatus, Version};
pub use sync::{
    AccountSync, Progress, ProgressAccount, Quarantined, QuarantinedRecord, Sync, SyncCancelled, SyncCause,
    SyncHistory, SyncPhase, SyncStarted, SyncState,
};
pub use transaction::{
    Direction, Merchant, Revision, Transaction, TransactionDetail, TransactionPage, TransactionQuery,
};
pub use words::UnknownWord;
