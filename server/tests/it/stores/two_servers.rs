//! Two servers on one Redis: a step at one of them is known at the other, whichever server is killed, and when.

use scanlogin_server::store::Store as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::stores::redis_itself::news;
use crate::support::common::running;
use crate::support::redis_server::{Keeps, RedisServer};
use crate::support::server_process::{Address, Code, Reply, ServerProcess};

/// The longest that a server holds a poll.
const WAIT: u64 = 30;

/// A poll that a server holds.
type Poll = JoinHandle<std::io::Result<Reply>>;

/// Asks for news at `server`, and returns when it has looked at the code and waits.
async fn hold(redis: &RedisServer, server: &Address, code: &Code, known: i32) -> Poll {
    let before = redis.calls_of("hmget");
    let (server, code) = (server.clone(), code.clone());
    let poll = tokio::spawn(async move { server.check(&code, known, WAIT).await });
    redis.until(|redis| redis.calls_of("hmget") != before).await;
    poll
}

#[tokio::test]
async fn a_step_at_one_server_wakes_a_poll_at_the_other() {
    let redis = RedisServer::start(Keeps::Everything);
    let running = running(redis.config()).await;
    let other = ServerProcess::demo(&redis.url());
    let (page, phone) = (&Address::of(&running), &other.address);
    // All waiters are woken when the server begins to hear of news. After that each wake is news of its code.
    let waiters = &running.state.codes.waiters;
    let mut begin = waiters.listen("begin");
    redis.until(|redis| redis.ask("PUBSUB NUMSUB scanlogin:news").contains(&":2".to_owned())).await;
    redis.ask("PUBLISH scanlogin:news begin");
    news(&mut begin).await;
    let mut delays = Vec::new();
    // A user may do no more than thirty things at once.
    for _ in 0..10 {
        let code = page.gene().await.unwrap().code();
        let mut waiter = waiters.listen(&code.random);

        let poll = hold(&redis, page, &code, 0).await;
        phone.act("scanned", &code).await.unwrap().data();
        news(&mut waiter).await;
        assert_eq!(poll.await.unwrap().unwrap().data()["status"], 1);

        let poll = hold(&redis, page, &code, 1).await;
        phone.act("confirm", &code).await.unwrap().data();
        let confirmed = Instant::now();
        news(&mut waiter).await;
        let check = poll.await.unwrap().unwrap();
        delays.push(confirmed.elapsed());
        assert_eq!(check.data()["status"], 2);

        let ticket = check.data()["ticket"].as_str().unwrap();
        assert_eq!(phone.exchange(ticket).await.unwrap().data()["user"]["id"], "alice");
        assert_eq!(page.exchange(ticket).await.unwrap().reason(), "ticket-used");
        for secret in [ticket, &code.poll_token] {
            let is_there = redis.disk().windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!is_there, "nothing secret is at rest");
        }
    }
    delays.sort();
    println!("from the answer to a confirm to the news at the other server: {delays:?}");
}

/// The moments of a sign-in at which a server is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    Made,
    WaitedForScan,
    Scanned,
    WaitedForConfirm,
    Confirmed,
    /// The ticket is with both servers, and Redis has heard from both but done nothing.
    Exchanging,
    /// Redis has done what they asked. What they have answered by then, nobody knows.
    Exchanged,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    /// The server that the page talks to.
    Page,
    /// The server that the phone talks to.
    Phone,
}

/// Two servers, of which one is killed at a moment; whoever talked to it goes on at the other.
struct Pair {
    page: ServerProcess,
    phone: ServerProcess,
    killing: (Moment, Victim),
    is_killed: bool,
}

impl Pair {
    fn page(&self) -> &Address {
        &if self.is_killed && self.killing.1 == Victim::Page { &self.phone } else { &self.page }.address
    }

    fn phone(&self) -> &Address {
        &if self.is_killed && self.killing.1 == Victim::Phone { &self.page } else { &self.phone }.address
    }

    fn reach(&mut self, moment: Moment) {
        if self.killing.0 == moment {
            match self.killing.1 {
                Victim::Page => self.page.kill(),
                Victim::Phone => self.phone.kill(),
            }
            self.is_killed = true;
        }
    }

    /// What a held poll has brought, or if its server was killed, what the page hears when it asks again.
    async fn news(&self, poll: Poll, code: &Code, known: i32) -> Reply {
        match poll.await.unwrap() {
            Ok(reply) => reply,
            Err(_) => self.page().check(code, known, WAIT).await.unwrap(),
        }
    }

    async fn sign_in(&mut self, redis: &RedisServer) {
        let code = self.page().gene().await.unwrap().code();
        self.reach(Moment::Made);

        let poll = hold(redis, self.page(), &code, 0).await;
        self.reach(Moment::WaitedForScan);
        self.phone().act("scanned", &code).await.unwrap().data();
        self.reach(Moment::Scanned);
        assert_eq!(self.news(poll, &code, 0).await.data()["status"], 1, "{:?}", self.killing);

        let poll = hold(redis, self.page(), &code, 1).await;
        self.reach(Moment::WaitedForConfirm);
        self.phone().act("confirm", &code).await.unwrap().data();
        self.reach(Moment::Confirmed);
        let check = self.news(poll, &code, 1).await;
        assert_eq!(check.data()["status"], 2, "{:?}", self.killing);

        let ticket = check.data()["ticket"].as_str().unwrap();
        let times_good = self.exchange(redis, ticket).await;
        // A server that is killed when Redis has done its part may take the one answer with it.
        let least = usize::from(self.killing.0 != Moment::Exchanged);
        assert!((least..=1).contains(&times_good), "{:?}: {times_good}", self.killing);
        assert_eq!(self.page().exchange(ticket).await.unwrap().reason(), "ticket-used", "{:?}", self.killing);
    }

    /// The ticket comes to both servers at once, and a last time to the one that lives. Returns how often it was good.
    async fn exchange(&mut self, redis: &RedisServer, ticket: &str) -> usize {
        redis.ask("CLIENT PAUSE 60000 WRITE");
        let exchanges = [self.page(), self.phone()].map(|server| {
            let (server, ticket) = (server.clone(), ticket.to_owned());
            tokio::spawn(async move { server.exchange(&ticket).await })
        });
        redis
            .until(|redis| {
                let is_paused = |client: &&String| client.contains(" cmd=evalsha ") && client.contains(" flags=b ");
                // A server that stands for both asks twice over one connection.
                let servers = if self.is_killed { 1 } else { 2 };
                redis.ask("CLIENT LIST").iter().filter(is_paused).count() == servers
            })
            .await;
        self.reach(Moment::Exchanging);
        let before = redis.calls_of("evalsha");
        redis.ask("CLIENT UNPAUSE");
        redis.until(|redis| redis.calls_of("evalsha") != before).await;
        self.reach(Moment::Exchanged);

        let mut replies = Vec::new();
        for exchange in exchanges {
            replies.push(exchange.await.unwrap());
        }
        replies.push(self.page().exchange(ticket).await);
        let mut times_good = 0;
        for reply in replies {
            match reply {
                Ok(reply) if reply.reason() == "ticket-used" || reply.is_unavailable() => {}
                Ok(reply) => times_good += usize::from(reply.data()["user"]["id"] == "alice"),
                Err(_) => assert!(matches!(self.killing.0, Moment::Exchanging | Moment::Exchanged)),
            }
        }
        times_good
    }
}

#[tokio::test]
async fn whichever_server_is_killed_whenever_the_other_goes_on_and_counts_once() {
    use Moment as M;

    let redis = RedisServer::start(Keeps::Nothing);
    let mut sign_ins = 0;
    for moment in
        [M::Made, M::WaitedForScan, M::Scanned, M::WaitedForConfirm, M::Confirmed, M::Exchanging, M::Exchanged]
    {
        for victim in [Victim::Page, Victim::Phone] {
            let (page, phone) = (ServerProcess::demo(&redis.url()), ServerProcess::demo(&redis.url()));
            Pair { page, phone, killing: (moment, victim), is_killed: false }.sign_in(&redis).await;
            sign_ins += 1;
            let account = redis.open().await.account("demo-pool", "alice").await.unwrap().unwrap();
            assert_eq!(account.logins_count, sign_ins, "{moment:?} {victim:?}");
        }
    }
}
