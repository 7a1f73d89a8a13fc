//! The database and its backups.

use monzo_common::model::Attention;

use super::{Inputs, note, problem};
use crate::store::{Health, StoreError};

pub(super) fn attention(inputs: &Inputs) -> Vec<Attention> {
    let mut all = Vec::new();
    let unwritable = |why: StoreError, hint| problem("store_unwritable", why.to_string(), hint);
    match &inputs.store {
        Health::Full => all.push(unwritable(StoreError::Full, "make room: `df -h`")),
        Health::ReadOnly => {
            all.push(unwritable(
                StoreError::ReadOnly,
                "make the state directory writable; `journalctl -k -e` may say why it is not",
            ));
        }
        Health::Gone { replaced } => {
            let what = if *replaced { "replaced by another file" } else { "removed" };
            let message =
                format!("the database's file was {what} while the daemon runs, and nothing more is written");
            let hint = "`monzoctl backup --with-login monzod-saved.db` saves what the daemon still has open; `monzoctl restore monzod-saved.db` brings it back";
            all.push(problem("store_gone", message, hint));
        }
        // The daemon goes into rescue mode for it.
        Health::Good | Health::Damaged(_) => {}
    }
    if let Some(why) = &inputs.troubles.backup {
        let message = format!("the last scheduled backup failed: {why}");
        all.push(problem(
            "backup_failed",
            message,
            "see that the directory of `store.backup.dir` can be written",
        ));
    }
    if inputs.troubles.checking {
        let message = "the daemon was not stopped properly last time; the database is being checked";
        all.push(note("store_checking", message, "wait; this note goes when the check has ended"));
    }
    all
}
