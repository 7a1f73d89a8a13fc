//! `exclusions.*`: what is kept and synced but left alone.

use jsonrpsee::core::async_trait;
use monzo_common::api::ExclusionsServer;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::id::{AccountId, PotId};
use monzo_common::model::{Excluded, Exclusion, ExclusionChange};

use super::context::RpcContext;
use crate::ledger::Ledger;

#[async_trait]
impl ExclusionsServer for RpcContext {
    async fn exclusions(&self) -> Result<Vec<Exclusion>, Fault> {
        Ok(self.ledger().await?.exclusions.list())
    }

    async fn exclude(&self, id: String) -> Result<ExclusionChange, Fault> {
        let (kind, name) = what(&self.ledger().await?, &id)?;
        let (kept, now) = (id.clone(), self.clock.now());
        let changed = self.services()?.store.write(move |writer| writer.exclude(kind, &kept, now)).await?;
        Ok(ExclusionChange { exclusion: Exclusion { kind, id, name, origin: "hand".to_owned() }, changed })
    }

    async fn include(&self, id: String) -> Result<ExclusionChange, Fault> {
        let ledger = self.ledger().await?;
        let (kind, name) = what(&ledger, &id)?;
        let kept = id.clone();
        let changed = self.services()?.store.write(move |writer| writer.include(&kept)).await?;
        let written =
            ledger.exclusions.list().into_iter().any(|other| other.id == id && other.origin == "config");
        if written {
            return Err(Fault::new(
                FaultKind::Conflict,
                format!("{name} is excluded by the configuration"),
                "take it out of [exclude] there, then `monzoctl config reload`; `monzoctl config show --origin` names the file",
            ));
        }
        Ok(ExclusionChange { exclusion: Exclusion { kind, id, name, origin: "hand".to_owned() }, changed })
    }
}

/// Which account or pot an id is.
fn what(ledger: &Ledger, id: &str) -> Result<(Excluded, String), Fault> {
    let account = ledger.accounts.iter().find(|account| account.id == AccountId::from(id));
    if let Some(account) = account {
        if let Some(pot) = &account.pot_id {
            return Err(Fault::new(
                FaultKind::InvalidParams,
                "this is the hidden account behind a pot",
                format!("exclude the pot itself: `monzoctl exclude add {}`", pot.as_str()),
            ));
        }
        return Ok((Excluded::Account, account.name(&ledger.names)));
    }
    let pot = ledger.pots.iter().find(|pot| pot.id == PotId::from(id));
    pot.map(|pot| (Excluded::Pot, pot.name(&ledger.names).to_owned())).ok_or_else(|| {
        Fault::new(
            FaultKind::NotFound,
            format!("no account or pot has the id {id}"),
            "`monzoctl accounts` and `monzoctl pots` list them",
        )
    })
}
