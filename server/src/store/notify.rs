//! Notifies the long polls of this process when a code changes.
//!
//! Invariant: a subscription that is created before its code is read misses no change. Every wake after its creation ends
//! its next wait.
//!
//! A notification does not contain the change. A subscriber that is woken reads the code from the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The subscriptions of all codes. Clones share them.
#[derive(Clone, Default)]
pub struct CodeNotifier(Arc<Mutex<HashMap<String, watch::Sender<()>>>>);

impl CodeNotifier {
    /// Subscribes to changes of the code `random`.
    pub fn subscribe(&self, random: &str) -> CodeSubscription {
        let receiver = self.lock().entry(random.to_owned()).or_default().subscribe();
        CodeSubscription { notifier: self.clone(), random: random.to_owned(), receiver: Some(receiver) }
    }

    /// Wakes all subscriptions of the code `random`.
    pub fn wake(&self, random: &str) {
        if let Some(sender) = self.lock().get(random) {
            sender.send_replace(());
        }
    }

    /// Wakes the subscriptions of all codes. For use when notifications may have been lost.
    pub fn wake_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    /// The number of codes with at least one subscription.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are no subscriptions.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A poisoned lock is safe to use: no operation leaves the map in a partial state.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscription to changes of one code. It ends when it is dropped.
pub struct CodeSubscription {
    notifier: CodeNotifier,
    random: String,
    receiver: Option<watch::Receiver<()>>,
}

impl CodeSubscription {
    /// Waits for a wake after the last call, or after [`CodeNotifier::subscribe`] for the first call. Returns at once if there
    /// was one already.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            // This never fails: the sender stays in the map at least as long as this subscription.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for CodeSubscription {
    fn drop(&mut self) {
        let mut notifier = self.notifier.lock();
        self.receiver = None;
        if notifier.get(&self.random).is_some_and(|sender| sender.receiver_count() == 0) {
            notifier.remove(&self.random);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_woken(subscription: &mut CodeSubscription) -> bool {
        timeout(Duration::from_secs(1), subscription.changed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn wake_between_subscribe_and_wait_ends_exactly_one_wait() {
        let notifier = CodeNotifier::default();
        let mut subscription = notifier.subscribe("a");
        notifier.wake("a");
        assert!(is_woken(&mut subscription).await);
        assert!(!is_woken(&mut subscription).await, "one wake ends one wait");
    }

    #[tokio::test(start_paused = true)]
    async fn wake_notifies_all_subscriptions_of_its_code_and_no_others() {
        let notifier = CodeNotifier::default();
        let (mut first, mut second, mut other) =
            (notifier.subscribe("a"), notifier.subscribe("a"), notifier.subscribe("b"));
        notifier.wake("a");
        assert!(is_woken(&mut first).await);
        assert!(is_woken(&mut second).await);
        assert!(!is_woken(&mut other).await);
        notifier.wake_all();
        assert!(is_woken(&mut first).await);
        assert!(is_woken(&mut other).await);
    }

    #[test]
    fn dropping_the_last_subscription_removes_the_entry() {
        let notifier = CodeNotifier::default();
        let (first, second) = (notifier.subscribe("a"), notifier.subscribe("a"));
        drop(first);
        assert_eq!(notifier.len(), 1);
        drop(second);
        assert!(notifier.is_empty());
        notifier.wake("a");
    }
}
