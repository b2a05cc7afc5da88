//! The shared connection to Redis. It reconnects after a loss.
//!
//! A command fails if Redis does not respond within the timeout. It never retries a command: Redis may have executed
//! a command whose response was lost. Only the caller knows whether a retry is safe.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, Value,
};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A handle to the shared connection.
#[derive(Clone)]
pub(super) struct SharedConnection(Arc<Inner>);

struct Inner {
    client: Client,
    /// Applies separately to getting a connection and to the response to a command.
    timeout: Duration,
    current: Mutex<Option<OpenConnection>>,
}

/// An established connection, and a flag that is set when the connection is lost.
#[derive(Clone)]
struct OpenConnection {
    connection: MultiplexedConnection,
    is_lost: Arc<AtomicBool>,
}

impl SharedConnection {
    /// A handle without an open connection. The first command connects.
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self(Arc::new(Inner { client, timeout, current: Mutex::default() }))
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
        Ok(OpenConnection { connection, is_lost })
    }
}

impl OpenConnection {
    /// Returns `response` unchanged. Marks the connection as lost if the error means that it is unusable.
    fn checked<T>(&self, response: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &response {
            // After a failover the connection may lead to a replica, which rejects writes.
            let is_replica = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
            if is_replica || error.is_io_error() || error.is_unrecoverable_error() {
                self.is_lost.store(true, Ordering::Relaxed);
            }
        }
        response
    }
}

impl ConnectionLike for SharedConnection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut open = self.open().await?;
            let response = open.connection.req_packed_command(command).await;
            open.checked(response)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let mut open = self.open().await?;
            let responses = open.connection.req_packed_commands(pipeline, offset, count).await;
            open.checked(responses)
        })
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}
