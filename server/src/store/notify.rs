//! Who waits for news of which code, in this process.
//!
//! A waiter that is made before its code is read misses nothing: every wake after that ends its next wait. Deliberately
//! absent: the news itself. Whoever is woken reads the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The waiters of all codes.
#[derive(Clone, Default)]
pub struct CodeNotifier(Arc<Mutex<HashMap<String, watch::Sender<()>>>>);

impl CodeNotifier {
    /// Starts to listen for news of the code `random`.
    pub fn listen(&self, random: &str) -> CodeSubscription {
        let news = self.lock().entry(random.to_owned()).or_default().subscribe();
        CodeSubscription { waiters: self.clone(), random: random.to_owned(), news: Some(news) }
    }

    /// Wakes all who listen for news of the code `random`.
    pub fn wake(&self, random: &str) {
        if let Some(sender) = self.lock().get(random) {
            sender.send_replace(());
        }
    }

    /// Wakes everybody: there may have been news of any code.
    pub fn wake_all(&self) {
        for sender in self.lock().values() {
            sender.send_replace(());
        }
    }

    /// How many codes are waited for.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A map whose holder panicked is still a map: no operation on it stops half-way.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for news of one code until it is dropped.
pub struct CodeSubscription {
    waiters: CodeNotifier,
    random: String,
    news: Option<watch::Receiver<()>>,
}

impl CodeSubscription {
    /// Waits for news since the last call, or since [`CodeNotifier::listen`].
    pub async fn news(&mut self) {
        if let Some(news) = &mut self.news {
            // The sender lives in the map at least as long as this waiter.
            let _ = news.changed().await;
        }
    }
}

impl Drop for CodeSubscription {
    fn drop(&mut self) {
        let mut waiters = self.waiters.lock();
        self.news = None;
        if waiters.get(&self.random).is_some_and(|sender| sender.receiver_count() == 0) {
            waiters.remove(&self.random);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_woken(waiter: &mut CodeSubscription) -> bool {
        timeout(Duration::from_secs(1), waiter.news()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_between_listening_and_waiting_is_not_lost() {
        let waiters = CodeNotifier::default();
        let mut waiter = waiters.listen("a");
        waiters.wake("a");
        assert!(is_woken(&mut waiter).await);
        assert!(!is_woken(&mut waiter).await, "and counts once");
    }

    #[tokio::test(start_paused = true)]
    async fn all_waiters_of_a_code_are_woken_and_no_others() {
        let waiters = CodeNotifier::default();
        let (mut first, mut second, mut other) = (waiters.listen("a"), waiters.listen("a"), waiters.listen("b"));
        waiters.wake("a");
        assert!(is_woken(&mut first).await);
        assert!(is_woken(&mut second).await);
        assert!(!is_woken(&mut other).await);
        waiters.wake_all();
        assert!(is_woken(&mut first).await);
        assert!(is_woken(&mut other).await);
    }

    #[test]
    fn nothing_is_kept_when_the_last_waiter_leaves() {
        let waiters = CodeNotifier::default();
        let (first, second) = (waiters.listen("a"), waiters.listen("a"));
        drop(first);
        assert_eq!(waiters.len(), 1);
        drop(second);
        assert!(waiters.is_empty());
        waiters.wake("a");
    }
}
