//! The shared connection to Redis. It reconnects after a loss.
//!
//! Commands of requests that are handled at the same time are sent together, as one pipeline. One write to the socket for
//! each command would cost more than the commands themselves.
//!
//! A command fails if Redis does not respond within the timeout. It never retries a command: Redis may have executed
//! a command whose response was lost. Only the caller knows whether a retry is safe.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, PoisonError};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, PushInfo, PushKind, RedisError,
    RedisFuture, RedisResult, ServerErrorKind, Value, from_redis_value,
};
use tokio::sync::{Mutex, oneshot};
use tokio::task::yield_now;
use tokio::time::timeout;

/// The maximum number of commands in a pipeline. All its results arrive with the last one.
const MAX_BATCH: usize = 100;

/// A handle to the shared connection.
#[derive(Clone)]
pub(super) struct SharedConnection(Arc<Inner>);

struct Inner {
    client: Client,
    /// Applies separately to getting a connection and to the response to a command.
    timeout: Duration,
    current: Mutex<Option<OpenConnection>>,
    /// The number of connections that were opened.
    opened: AtomicU64,
    /// Commands that are not sent yet. A task sends them if there are any.
    queue: std::sync::Mutex<Vec<QueuedCommand>>,
}

/// Identifies a connection of a [`SharedConnection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// A command, and the channel for its result.
type QueuedCommand = (Cmd, oneshot::Sender<RedisResult<Value>>);

/// An established connection, and a flag that is set when the connection is lost.
#[derive(Clone)]
struct OpenConnection {
    connection: MultiplexedConnection,
    is_lost: Arc<AtomicBool>,
}

impl SharedConnection {
    /// A handle without an open connection. The first command connects.
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self(Arc::new(Inner {
            client,
            timeout,
            current: Mutex::default(),
            opened: AtomicU64::default(),
            queue: std::sync::Mutex::default(),
        }))
    }

    /// The current connection, or the last one. A command is sent on this connection or on a later one.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.0.opened.load(Ordering::SeqCst))
    }

    /// Sends `command` in a batch, and returns its result. Takes the command, so that a poll copies none.
    pub(super) async fn query<T: FromRedisValue>(&self, command: Cmd) -> RedisResult<T> {
        Ok(from_redis_value(self.send(command).await?.extract_error()?)?)
    }

    /// Adds `command` to the queue, and returns its result.
    async fn send(&self, command: Cmd) -> RedisResult<Value> {
        let (sender, receiver) = oneshot::channel();
        let is_first = {
            let mut queue = self.queue();
            queue.push((command, sender));
            queue.len() == 1
        };
        if is_first {
            tokio::spawn(self.clone().send_queue());
        }
        receiver.await.unwrap_or_else(|_| Err(RedisError::from((ErrorKind::Io, "the task of the command ended"))))
    }

    /// Sends all commands of the queue, after the tasks that can run now have added theirs.
    async fn send_queue(self) {
        yield_now().await;
        loop {
            let batch: Vec<_> = {
                let mut queue = self.queue();
                let length = queue.len().min(MAX_BATCH);
                queue.drain(..length).collect()
            };
            if batch.is_empty() {
                return;
            }
            // A batch does not wait for the results of the one before it.
            tokio::spawn(self.clone().send_batch(batch));
        }
    }

    async fn send_batch(self, mut batch: Vec<QueuedCommand>) {
        batch.retain(|(_, sender)| !sender.is_closed());
        if batch.is_empty() {
            return;
        }
        let (commands, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command);
        }
        // `send` fails if the caller was dropped. Nobody needs the result then.
        match self.send_pipeline(&pipeline, 0, senders.len()).await {
            Ok(values) => senders.into_iter().zip(values).for_each(|(sender, value)| drop(sender.send(Ok(value)))),
            Err(error) => senders.into_iter().for_each(|sender| drop(sender.send(Err(error.clone())))),
        }
    }

    async fn send_pipeline(&self, pipeline: &Pipeline, offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        let mut open = self.open().await?;
        let responses = open.connection.req_packed_commands(pipeline, offset, count).await;
        open.check(&responses);
        responses
    }

    // A poisoned lock is safe to use: each change is one operation on the list, so a panic leaves no partial change.
    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<QueuedCommand>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the current connection. Connects if there is none or if it is lost.
    async fn open(&self) -> RedisResult<OpenConnection> {
        let find = async {
            let mut current = self.0.current.lock().await;
            if let Some(open) = current.as_ref().filter(|open| !open.is_lost.load(Ordering::Relaxed)) {
                return Ok(open.clone());
            }
            let open = self.connect().await?;
            *current = Some(open.clone());
            Ok(open)
        };
        timeout(self.0.timeout, find)
            .await
            .unwrap_or_else(|_| Err(RedisError::from((ErrorKind::Io, "timeout while connecting"))))
    }

    async fn connect(&self) -> RedisResult<OpenConnection> {
        let is_lost = Arc::new(AtomicBool::new(false));
        let notices = Arc::clone(&is_lost);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.0.timeout))
            .set_response_timeout(Some(self.0.timeout))
            // After a disconnect without a pending command, such as a restart of Redis, the next command reconnects
            // instead of failing.
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    notices.store(true, Ordering::Relaxed);
                }
                Ok::<_, core::convert::Infallible>(())
            });
        let connection = self.0.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        Ok(OpenConnection { connection, is_lost })
    }
}

impl OpenConnection {
    /// Marks the connection as lost if a response means that it is unusable.
    fn check(&self, responses: &RedisResult<Vec<Value>>) {
        // After a failover the connection may lead to a replica, which rejects writes.
        let is_lost = match responses {
            Ok(values) => values.iter().any(
                |value| matches!(value, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::ReadOnly)),
            ),
            Err(error) => {
                error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
                    || error.is_io_error()
                    || error.is_unrecoverable_error()
            }
        };
        if is_lost {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }
}

impl ConnectionLike for SharedConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(command.clone()))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.send_pipeline(pipeline, offset, count))
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}
