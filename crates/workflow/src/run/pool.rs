//! The threads of a run tree.
//!
//! One pool serves a run and all runs nested in it. A task is only handed in when it may start; what
//! waits for a level, a limit or a nested run is data, not a thread. A step that runs another
//! workflow is no task while that workflow runs, so nested runs can never use up the threads they
//! wait for. Threads are made when tasks find none idle, up to the limit, and stay until the end.
//!
//! The deepest tasks go first: a run of many nested runs finishes those it has begun before it
//! begins more, and memory stays flat.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

/// Tasks and the threads that perform them.
pub(super) struct Pool<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// By depth; the last queue goes first.
    queues: Vec<VecDeque<T>>,
    idle: usize,
    threads: usize,
    most: usize,
    closed: bool,
}

impl<T: Send> Pool<T> {
    /// A pool of at most so many threads.
    pub(super) fn new(most: usize) -> Self {
        let state =
            State { queues: Vec::new(), idle: 0, threads: 0, most: most.max(1), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Allows at least so many threads.
    pub(super) fn allow(&self, most: usize) {
        let mut state = self.lock();
        state.most = state.most.max(most);
    }

    /// Hands in a task. `perform` is what a new thread does with its tasks.
    pub(super) fn push<'scope, F>(
        &'scope self,
        threads: &'scope Scope<'scope, '_>,
        depth: usize,
        task: T,
        perform: F,
    ) where
        F: Fn(T) + Send + 'scope,
        T: 'scope,
    {
        let mut state = self.lock();
        if state.queues.len() <= depth {
            state.queues.resize_with(depth + 1, VecDeque::new);
        }
        state.queues[depth].push_back(task);
        let waiting: usize = state.queues.iter().map(VecDeque::len).sum();
        if waiting <= state.idle || state.threads >= state.most {
            self.changed.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let worker = move || {
            while let Some(task) = self.next() {
                perform(task);
            }
        };
        let spawned = std::thread::Builder::new().name("swamp-step".to_owned());
        if spawned.spawn_scoped(threads, worker).is_err() {
            // The machine has no thread left for us; those we have go on.
            self.lock().threads -= 1;
        }
    }

    /// Whether there is any thread to perform tasks.
    pub(super) fn is_manned(&self) -> bool {
        self.lock().threads > 0
    }

    /// The next task, for a thread that would otherwise wait; nothing if there is none.
    pub(super) fn take(&self) -> Option<T> {
        self.lock().pop()
    }

    /// Sends the threads home once there is no task left.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(task) = state.pop() {
                return Some(task);
            }
            if state.closed {
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Every change of the state is complete before anything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn pop(&mut self) -> Option<T> {
        self.queues.iter_mut().rev().find_map(VecDeque::pop_front)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn tasks_are_performed_by_few_threads() {
        let pool = Pool::new(3);
        let done = AtomicUsize::new(0);
        let names = Mutex::new(HashSet::new());
        std::thread::scope(|threads| {
            for task in 0..1000 {
                pool.push(threads, 0, task, |_| {
                    names.lock().unwrap().insert(std::thread::current().id());
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            pool.close();
        });
        assert_eq!(done.into_inner(), 1000);
        assert!((1..=3).contains(&names.into_inner().unwrap().len()));
    }

    #[test]
    fn as_many_run_at_once_as_are_allowed() {
        let pool = Pool::new(1);
        pool.allow(4);
        pool.allow(2);
        // Nobody passes before all four are there.
        let barrier = Barrier::new(4);
        std::thread::scope(|threads| {
            for task in 0..4 {
                pool.push(threads, 0, task, |_| {
                    barrier.wait();
                });
            }
            pool.close();
        });
    }

    #[test]
    fn the_deepest_task_goes_first_and_equals_in_order() {
        let pool = Pool::new(1);
        let order = Mutex::new(Vec::new());
        let started = Barrier::new(2);
        let all_in = Barrier::new(2);
        std::thread::scope(|threads| {
            let perform = |task: &'static str| {
                order.lock().unwrap().push(task);
                if task == "first" {
                    started.wait();
                    all_in.wait();
                }
            };
            pool.push(threads, 0, "first", perform);
            started.wait();
            for (depth, task) in [(0, "a"), (2, "x"), (1, "m"), (2, "y"), (0, "b")] {
                pool.push(threads, depth, task, perform);
            }
            all_in.wait();
            pool.close();
        });
        assert_eq!(order.into_inner().unwrap(), ["first", "x", "y", "m", "a", "b"]);
    }
}
