//! Views: values in, text out; nothing here reads, asks or prints.

mod account;
mod backtest;
mod backup;
mod balance;
mod bill;
mod chart;
pub mod columns;
mod completion;
mod config;
mod csv;
mod event;
mod figures;
pub(crate) mod json;
mod login;
mod plan;
mod progress;
mod rpc;
mod rule;
mod run;
mod status;
mod style;
mod sync;
mod table;
mod text;
mod transaction;

pub use account::{accounts, exclusions, pots, show_account, show_pot};
pub use backtest::backtest;
pub use backup::{backups, begun_afresh, restored, size, verification};
pub use balance::{balances, history, unknown};
pub use bill::{BillNames, bill_accuracy, bill_change, bills, calendar_written, incomes};
pub use completion::completion;
pub use config::{entries, reload, report};
pub use csv::{Csv, csv_of_one};
pub use event::{acknowledged, deliveries, event, events};
pub use figures::{Side, cashflow, figures};
pub use json::{list, one};
pub use login::{access, configured, gaps, logged_out, login, login_advice, role, setup_advice, whoami};
pub use plan::{plan, plan_advice, plan_names};
pub use progress::{headline, outcome};
pub use rpc::{Method, methods};
pub use rule::{freezes, paydays, rules, show_rule, why};
pub use run::{run_outcome, runs, show_run, transfer_words, transfers};
pub use status::status;
pub use style::{Paint, Style};
pub use sync::{show_record, show_sync, syncs};
pub use table::{Align, Table};
pub use text::{clean, escaped, sentence, shown, shown_plain};
pub use transaction::{Names, add_transaction, show_transaction, transactions};

#[cfg(test)]
pub(crate) mod fixture;
