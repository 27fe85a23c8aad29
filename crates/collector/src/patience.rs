//! A connection whose other side has to take what it is sent.
//!
//! Somebody who asks for much and never reads it would hold a connection, and what is behind it, for
//! as long as it likes: TCP keeps a connection of which nothing is read alive for ever. So the time
//! spent waiting for the other side is limited: [`MOST`] for every [`LEAST`] bytes it takes. What
//! counts is waiting alone; a connection on which there is nothing to say may stay.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How long a client may let us wait until it takes what it is sent.
const MOST: Duration = Duration::from_secs(30);

/// How much it has to take within that time, in bytes: a slow line, and no drip.
const LEAST: usize = 16 << 10;

/// What the other side has left of its time.
#[derive(Debug, Default)]
struct Allowance {
    /// Bytes taken since the time was last reset.
    taken: usize,
    /// Time waited since then.
    waited: Duration,
}

impl Allowance {
    /// How much longer there may be waited.
    fn left(&self) -> Duration {
        MOST.saturating_sub(self.waited)
    }

    /// The other side took so many bytes after so long a wait.
    fn took(&mut self, bytes: usize, waited: Duration) {
        self.waited += waited;
        self.taken += bytes;
        if self.taken >= LEAST {
            *self = Self::default();
        }
    }
}

/// A wait that goes on.
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

/// A stream that ends when the other side lets us wait for too long.
pub(crate) struct Patient<S> {
    stream: S,
    allowance: Allowance,
    waiting: Option<Waiting>,
}

impl<S> Patient<S> {
    /// Watches over a stream.
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, allowance: Allowance::default(), waiting: None }
    }

    /// Takes note of an attempt to write.
    fn note(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else {
            let left = self.allowance.left();
            let waiting = self.waiting.get_or_insert_with(|| Waiting {
                since: Instant::now(),
                end: Box::pin(sleep(left)),
            });
            let timed_out = || {
                let message = "the client does not take its answer";
                Err(io::Error::new(io::ErrorKind::TimedOut, message))
            };
            return waiting.end.as_mut().poll(context).map(|()| timed_out());
        };
        let waited = self.waiting.take().map(|waiting| waiting.since.elapsed());
        if let Ok(bytes) = written {
            self.allowance.took(bytes, waited.unwrap_or_default());
        }
        Poll::Ready(written)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many reads of so many bytes, each after so long a wait, a client gets done; up to 100.
    fn reads(bytes: usize, wait: Duration) -> usize {
        let mut allowance = Allowance::default();
        for read in 0..100 {
            if allowance.left() <= wait {
                return read;
            }
            allowance.took(bytes, wait);
        }
        100
    }

    #[test]
    fn a_drip_is_ended_and_a_slow_line_is_not() {
        let seconds = Duration::from_secs;
        for (bytes, wait, want) in [
            (0, seconds(30), 0),
            (1 << 20, seconds(30), 0),
            (1, seconds(10), 2),
            (100, seconds(1), 29),
            (LEAST / 2, seconds(14), 100),
            (LEAST, seconds(29), 100),
            // Small answers that are taken at once use up nothing.
            (200, Duration::ZERO, 100),
        ] {
            assert_eq!(reads(bytes, wait), want, "{bytes} bytes after {wait:?}");
        }
    }
}
