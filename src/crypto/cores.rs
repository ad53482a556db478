//! Work on many items, on all cores.

use std::num::NonZero;

/// Items of a thread at least: under that a thread costs more than it saves.
const LEAST_PER_THREAD: usize = 256;

/// Does `work` on pieces of the items on all cores and joins the results in order.
///
/// # Panics
/// When `work` does.
pub fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let size = items.len().div_ceil(cores).max(LEAST_PER_THREAD);
    if items.len() <= size {
        return work(items);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.chunks(size).map(|piece| scope.spawn(|| work(piece))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
        joined.flatten().collect()
    })
}
