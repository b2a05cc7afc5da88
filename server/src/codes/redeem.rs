//! Redeems tickets.

use crate::codes::CodeService;
use crate::codes::error::CodeError;
use crate::secrets::Hash;
use crate::store::Redemption;

impl CodeService {
    /// Redeems a ticket of the app `app_id` and counts the sign-in, in one step: of several callers one gets the user.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn redeem(&self, ticket: Hash, app_id: &str) -> Result<Redemption, CodeError> {
        let now = self.clock.now();
        let redemption = self.store.call("redeem", |store| store.redeem(ticket, app_id, now)).await?;
        self.metrics.count_ticket(app_id, &redemption);
        Ok(redemption)
    }

    /// Counts an attempt of the app `app_id` to redeem a ticket that no authorised code has.
    pub fn count_unknown_ticket(&self, app_id: &str) {
        self.metrics.count_ticket(app_id, &Redemption::Unknown);
    }
}
