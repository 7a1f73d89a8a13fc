//! Freezing and thawing: everything, one rule, or a pot that the bank refused to move.

use jiff::Timestamp;
use monzo_common::model::FreezeChange;

use crate::autosort::Sorter;
use crate::autosort::decide::names;
use crate::autosort::decide::world::AccountOrPot;
use crate::autosort::run::error::SorterError;
use crate::events::{Happened, Kind};

impl Sorter {
    /// Holds everything back, or one rule.
    pub async fn freeze(
        &self,
        rule: Option<String>,
        until: Option<Timestamp>,
        reason: Option<String>,
    ) -> Result<FreezeChange, SorterError> {
        let now = self.clock.now();
        if until.is_some_and(|until| until <= now) {
            return Err(SorterError::Conflict("that time has passed".to_owned()));
        }
        self.known_rule(rule.as_deref())?;
        let reason = reason.unwrap_or_else(|| "by hand".to_owned());
        let (kept, why) = (rule.clone(), reason.clone());
        let changed =
            self.store.write(move |writer| writer.freeze(kept.as_deref(), until, &why, now)).await?;
        self.held_or_not(rule, changed, Kind::SorterFrozen, &format!("is frozen: {reason}")).await
    }

    /// Lets everything, or one rule, go on.
    pub async fn thaw(&self, rule: Option<String>) -> Result<FreezeChange, SorterError> {
        let kept = rule.clone();
        let changed = self.store.write(move |writer| writer.thaw(kept.as_deref())).await?;
        self.held_or_not(rule, changed, Kind::SorterThawed, "goes on").await
    }

    /// Lets a pot be tried again that the bank refused to move for anybody but the app.
    pub async fn thaw_pot(&self, pot: &str) -> Result<FreezeChange, SorterError> {
        let world = self.world().await?;
        let AccountOrPot::Pot(id) = names::find_any(&world, pot)? else {
            let message = format!("‘{pot}’ is an account; only pots are left to the app");
            return Err(SorterError::Conflict(message));
        };
        let thawed = id.clone();
        let changed = self.store.write(move |writer| writer.thaw_pot(&thawed)).await?;
        if changed {
            let message = format!("the pot {} may be tried again", world.pot_name(&id));
            self.event_log.record(Happened::new(Kind::PotThawed, message).pot(id.as_str())).await;
            self.nudge();
        }
        Ok(FreezeChange { freezes: self.freezes().await?, changed })
    }

    async fn held_or_not(
        &self,
        rule: Option<String>,
        changed: bool,
        kind: Kind,
        what: &str,
    ) -> Result<FreezeChange, SorterError> {
        if changed {
            let happened = match rule {
                Some(rule) => Happened::new(kind, format!("the rule {rule} {what}")).rule(rule),
                None => Happened::new(kind, format!("the sorter {what}")),
            };
            self.event_log.record(happened).await;
            self.measure().await?;
            self.nudge();
        }
        Ok(FreezeChange { freezes: self.freezes().await?, changed })
    }

    fn known_rule(&self, rule: Option<&str>) -> Result<(), SorterError> {
        let Some(name) = rule else { return Ok(()) };
        let known = self.settings.borrow().sorter.rules.iter().any(|rule| rule.name == name);
        if known { Ok(()) } else { Err(SorterError::NoRule(name.to_owned())) }
    }
}
