//! Two servers on one Redis: a transition at one server reaches the other, and a sign-in survives a kill of either one.

use scanlogin_server::store::Store as _;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::stores::redis_store::wait_for_wake;
use crate::support::redis_server::{Persistence, RedisServer};
use crate::support::server_process::{Client, Code, HttpResponse, ServerProcess};
use crate::support::test_server::start_server;

/// The longest wait that a server allows a poll, in seconds.
const WAIT: u64 = 30;

/// A long poll that waits at a server.
type Poll = JoinHandle<std::io::Result<HttpResponse>>;

/// Starts a long poll at `server`, and returns when the server has read the code from Redis.
async fn start_poll(redis: &RedisServer, server: &Client, code: &Code, known: i32) -> Poll {
    // A server that has the record in its cache reads only the revision.
    let reads = |redis: &RedisServer| (redis.call_count("hget"), redis.call_count("hmget"));
    let before = reads(redis);
    let (server, code) = (server.clone(), code.clone());
    let poll = tokio::spawn(async move { server.check(&code, known, WAIT).await });
    redis.wait_until("a read of the code", |redis| reads(redis) != before).await;
    poll
}

#[tokio::test]
async fn transition_at_one_server_wakes_a_poll_at_the_other() {
    let redis = RedisServer::start(Persistence::AppendOnly);
    let running = start_server(redis.config()).await;
    let other = ServerProcess::demo(&redis.url());
    let (requester, approver) = (&Client::new(&running), &other.client);
    // The start of the subscription at Redis wakes all code subscriptions. After that, each wake is a notification about
    // the code of a subscription.
    let notifier = &running.state.codes.notifier;
    let mut marker = notifier.subscribe("marker");
    redis.wait_for_subscriptions(2).await;
    redis.command("PUBLISH scanlogin:news marker");
    wait_for_wake(&mut marker).await;
    let mut delays = Vec::new();
    // The rate limit of a user allows 30 requests in a burst.
    for _ in 0..10 {
        let code = requester.gene().await.unwrap().code();
        let mut subscription = notifier.subscribe(&code.random);

        let poll = start_poll(&redis, requester, &code, 0).await;
        approver.act("scanned", &code).await.unwrap().data();
        wait_for_wake(&mut subscription).await;
        assert_eq!(poll.await.unwrap().unwrap().data()["status"], 1);

        let poll = start_poll(&redis, requester, &code, 1).await;
        approver.act("confirm", &code).await.unwrap().data();
        let confirmed = Instant::now();
        wait_for_wake(&mut subscription).await;
        let check = poll.await.unwrap().unwrap();
        delays.push(confirmed.elapsed());
        assert_eq!(check.data()["status"], 2);

        let ticket = check.data()["ticket"].as_str().unwrap();
        assert_eq!(approver.exchange(ticket).await.unwrap().data()["user"]["id"], "alice");
        assert_eq!(requester.exchange(ticket).await.unwrap().reason(), "ticket-used");
        for secret in [ticket, &code.poll_token] {
            let is_stored = redis.persisted_bytes().windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
            assert!(!is_stored, "Redis stores no secret");
        }
    }
    delays.sort();
    println!("delays between the response to a confirm and the end of the poll at the other server: {delays:?}");
}

/// The points of a sign-in at which a server is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KillPoint {
    /// The code has been created.
    Created,
    /// A poll waits for the scan.
    WaitingForScan,
    Scanned,
    /// A poll waits for the confirm.
    WaitingForConfirm,
    Confirmed,
    /// Both servers have received the ticket and sent their commands, but Redis has not executed them.
    Exchanging,
    /// Redis has executed the commands. It is undefined whether the servers have responded by then.
    Exchanged,
}

/// The server that is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum KilledServer {
    /// The server of the requester.
    Requester,
    /// The server of the approver.
    Approver,
}

/// Two servers, one of which is killed. Its clients then use the other one.
struct ServerPair {
    requester: ServerProcess,
    approver: ServerProcess,
    kill: (KillPoint, KilledServer),
    is_killed: bool,
}

impl ServerPair {
    fn requester(&self) -> &Client {
        &if self.is_killed && self.kill.1 == KilledServer::Requester { &self.approver } else { &self.requester }.client
    }

    fn approver(&self) -> &Client {
        &if self.is_killed && self.kill.1 == KilledServer::Approver { &self.requester } else { &self.approver }.client
    }

    /// Kills the server if it is to be killed at `kill_point`.
    fn kill_at(&mut self, kill_point: KillPoint) {
        if self.kill.0 == kill_point {
            match self.kill.1 {
                KilledServer::Requester => self.requester.kill(),
                KilledServer::Approver => self.approver.kill(),
            }
            self.is_killed = true;
        }
    }

    /// The response to `poll`. If its server was killed, the requester polls again at the other server.
    async fn poll_response(&self, poll: Poll, code: &Code, known: i32) -> HttpResponse {
        match poll.await.unwrap() {
            Ok(response) => response,
            Err(_) => self.requester().check(code, known, WAIT).await.unwrap(),
        }
    }

    async fn sign_in(&mut self, redis: &RedisServer) {
        let code = self.requester().gene().await.unwrap().code();
        self.kill_at(KillPoint::Created);

        let poll = start_poll(redis, self.requester(), &code, 0).await;
        self.kill_at(KillPoint::WaitingForScan);
        self.approver().act("scanned", &code).await.unwrap().data();
        self.kill_at(KillPoint::Scanned);
        assert_eq!(self.poll_response(poll, &code, 0).await.data()["status"], 1, "{:?}", self.kill);

        let poll = start_poll(redis, self.requester(), &code, 1).await;
        self.kill_at(KillPoint::WaitingForConfirm);
        self.approver().act("confirm", &code).await.unwrap().data();
        self.kill_at(KillPoint::Confirmed);
        let check = self.poll_response(poll, &code, 1).await;
        assert_eq!(check.data()["status"], 2, "{:?}", self.kill);

        let ticket = check.data()["ticket"].as_str().unwrap();
        let successes = self.exchange(redis, ticket).await;
        // A server that is killed after Redis has redeemed the ticket may not have sent the only successful response.
        let least = usize::from(self.kill.0 != KillPoint::Exchanged);
        assert!((least..=1).contains(&successes), "{:?}: {successes}", self.kill);
        assert_eq!(self.requester().exchange(ticket).await.unwrap().reason(), "ticket-used", "{:?}", self.kill);
    }

    /// Exchanges the ticket at both servers concurrently, and once more at the surviving one. Returns the number of
    /// successes.
    async fn exchange(&mut self, redis: &RedisServer, ticket: &str) -> usize {
        redis.command("CLIENT PAUSE 60000 WRITE");
        let exchanges = [self.requester(), self.approver()].map(|server| {
            let (server, ticket) = (server.clone(), ticket.to_owned());
            tokio::spawn(async move { server.exchange(&ticket).await })
        });
        redis
            .wait_until("paused commands of all servers", |redis| {
                let is_paused = |client: &&String| client.contains(" cmd=evalsha ") && client.contains(" flags=b ");
                // If one server is already killed, the other sends both commands over one connection.
                let servers = if self.is_killed { 1 } else { 2 };
                redis.command("CLIENT LIST").iter().filter(is_paused).count() == servers
            })
            .await;
        self.kill_at(KillPoint::Exchanging);
        let before = redis.call_count("evalsha");
        redis.command("CLIENT UNPAUSE");
        redis.wait_until("a redemption", |redis| redis.call_count("evalsha") != before).await;
        self.kill_at(KillPoint::Exchanged);

        let mut responses = Vec::new();
        for exchange in exchanges {
            responses.push(exchange.await.unwrap());
        }
        responses.push(self.requester().exchange(ticket).await);
        let mut successes = 0;
        for response in responses {
            match response {
                Ok(response) if response.reason() == "ticket-used" || response.is_unavailable() => {}
                Ok(response) => successes += usize::from(response.data()["user"]["id"] == "alice"),
                Err(_) => assert!(matches!(self.kill.0, KillPoint::Exchanging | KillPoint::Exchanged)),
            }
        }
        successes
    }
}

#[tokio::test]
async fn sign_in_survives_a_kill_of_either_server_and_counts_once() {
    use KillPoint as M;

    let redis = RedisServer::start(Persistence::None);
    let mut sign_ins = 0;
    for kill_point in
        [M::Created, M::WaitingForScan, M::Scanned, M::WaitingForConfirm, M::Confirmed, M::Exchanging, M::Exchanged]
    {
        for killed_server in [KilledServer::Requester, KilledServer::Approver] {
            let (requester, approver) = (ServerProcess::demo(&redis.url()), ServerProcess::demo(&redis.url()));
            ServerPair { requester, approver, kill: (kill_point, killed_server), is_killed: false }
                .sign_in(&redis)
                .await;
            sign_ins += 1;
            let account = redis.open().await.account("demo-pool", "alice").await.unwrap().unwrap();
            assert_eq!(account.logins_count, sign_ins, "{kill_point:?} {killed_server:?}");
        }
    }
}
