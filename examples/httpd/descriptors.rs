//! How many connections fit into the limit of open files.
//!
//! Before: nothing. After: `main.rs`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the process has open besides: three streams, pipes for signals, a socket to look at it.
const OTHERS: u64 = 12;

/// For each thread: its listener, the poller with what wakes it, and a pipe for signals.
const PER_THREAD: u64 = 6;

/// Raises the limit of open files as far as it goes, and says how many connections of `wanted` fit in. Each needs two
/// descriptors: a socket and a file.
pub(crate) fn make_room(wanted: usize, threads: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Not allowed: then the old limit holds.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let limit = if raised.is_ok() { limit.maximum } else { limit.current };
    limit.map_or(wanted, |limit| fitting(limit, wanted, threads))
}

fn fitting(limit: u64, wanted: usize, threads: usize) -> usize {
    let left = limit.saturating_sub(OTHERS + PER_THREAD * threads as u64) / 2;
    wanted.min(usize::try_from(left).unwrap_or(usize::MAX)).max(threads)
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn each_connection_has_two_descriptors_and_each_thread_a_connection() {
        assert_eq!(fitting(1024, 10_000, 1), 503);
        assert_eq!(fitting(1_000_000, 10_000, 1), 10_000);
        assert_eq!(fitting(16, 10_000, 4), 4);
    }
}
