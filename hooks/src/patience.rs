//! How long a hook may take.

use std::sync::OnceLock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// Part of the limit that waiting, for a payload or for a worker that does not
/// answer, cannot use up: in it the event goes to the spool, on a slow disk too.
const RESERVE: Duration = Duration::from_millis(60);

/// What a hook may take beyond its limit on a machine that has more to run than
/// it can: there everything is late, the host's payload and this process too,
/// and an event that was given up would be lost. With eight busy loops on two
/// processors, events were seen to be given up within the limit alone.
const OVERLOADED_EXTRA: Duration = Duration::from_millis(350);

/// What a hook that has been answered by memory needs to hand the answer on and
/// to end.
const CLOSING: Duration = Duration::from_millis(15);

/// Reaches the thread that watches this process: it counts again from the time
/// that it is sent.
static WATCH: OnceLock<Sender<Duration>> = OnceLock::new();

/// Runnable tasks for each processor from which on a machine is overloaded.
const OVERLOADED_AT: usize = 2;

/// The time limit of one hook process.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    begun: Instant,
    limit: Duration,
    extra: Duration,
}

impl Patience {
    /// The limit holds from now on.
    pub fn new(limit: Duration) -> Self {
        Self {
            begun: Instant::now(),
            limit,
            extra: if is_overloaded() {
                OVERLOADED_EXTRA
            } else {
                Duration::ZERO
            },
        }
    }

    /// Ends the process with the answer `{}` when the limit has passed, whatever
    /// the other threads wait for: a stdin that is never closed, a disk that
    /// does not answer.
    ///
    /// It waits for one half of the time and then for the other: a machine that
    /// stands still (suspended, or short of processors) for longer than the limit
    /// loses one half by that, and what was under way gets the time to be finished.
    pub fn watch(self) {
        let (anew, told) = mpsc::channel::<Duration>();
        let watching = std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || {
                let mut half = self.left(self.limit).unwrap_or_default() / 2;
                let mut halves = 2;
                while halves > 0 {
                    match told.recv_timeout(half) {
                        Ok(time) => (half, halves) = (time / 2, 2),
                        Err(RecvTimeoutError::Timeout) => halves -= 1,
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                crate::run::answer("{}");
            });
        // Without a thread there is no watch, which is no reason to lose the
        // event.
        if watching.is_ok() {
            // Another thread that watches already is as good.
            drop(WATCH.set(anew));
        }
    }

    /// The same for a process that has given its answer already: a timer's
    /// signal ends it, at its second tick. A thread costs more: 4 to 8 % of a
    /// hook's whole time.
    pub(crate) fn watch_answered(self) {
        let left = self.left(self.limit).unwrap_or_default();
        if !timer::end_process_in(left.max(RESERVE)) {
            self.watch();
        }
    }

    /// Where the limit has passed while this process stood still, what is left
    /// to do gets a little more.
    pub(crate) fn make_up_for_standstill(self) {
        if self.left(self.limit).is_none() {
            reserve_for_spool();
        }
    }

    /// How long to wait for more of a payload. One that stopped half-way is
    /// taken as it is after half of the time; for one that has not begun there
    /// is more.
    pub(crate) fn for_payload(self, has_begun: bool) -> Option<Duration> {
        self.left(if has_begun {
            self.limit / 2
        } else {
            self.limit.saturating_sub(RESERVE)
        })
    }

    /// When waiting for an acknowledgement ends.
    pub(crate) fn ack_by(self) -> Instant {
        self.begun + self.limit.saturating_sub(RESERVE) + self.extra
    }

    /// When what memory has not answered by then is left out.
    pub(crate) fn recall_by(self) -> Instant {
        self.begun + self.limit.saturating_sub(CLOSING) + self.extra
    }

    fn left(self, until: Duration) -> Option<Duration> {
        (until + self.extra)
            .checked_sub(self.begun.elapsed())
            .filter(|left| !left.is_zero())
    }
}

/// Gives an event that is late the time to be spooled: where the machine stood
/// still, the limit may have passed without this process having run.
pub(crate) fn reserve_for_spool() {
    match WATCH.get() {
        Some(watch) => drop(watch.send(RESERVE)),
        None => timer::end_process_anew_in(RESERVE),
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use nix::sys::signal::{SigEvent, SigevNotify, Signal};
    use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
    use nix::time::ClockId;
    use signal_hook::flag;

    thread_local! {
        /// Dropping a timer disarms it.
        static ARMED: RefCell<Option<Timer>> = const { RefCell::new(None) };
    }

    /// Has the process end with exit code 0 after this time; `false` where that
    /// is not possible.
    pub(super) fn end_process_in(time: Duration) -> bool {
        let ticked = Arc::new(AtomicBool::new(false));
        let signal = Signal::SIGALRM as i32;
        // In this order: the first tick is noted, the second one ends.
        flag::register_conditional_shutdown(signal, 0, Arc::clone(&ticked)).is_ok()
            && flag::register(signal, ticked).is_ok()
            && arm(time).is_ok()
    }

    /// Begins to count again, with this time; where the first tick has been,
    /// with half of it.
    pub(super) fn end_process_anew_in(time: Duration) {
        ARMED.with_borrow_mut(|armed| {
            if let Some(timer) = armed {
                // A timer that cannot be set runs on as it was.
                let _ = timer.set(in_two_ticks(time), TimerSetTimeFlags::empty());
            }
        });
    }

    fn arm(time: Duration) -> nix::Result<()> {
        let signal = SigEvent::new(SigevNotify::SigevSignal {
            signal: Signal::SIGALRM,
            si_value: 0,
        });
        let mut timer = Timer::new(ClockId::CLOCK_MONOTONIC, signal)?;
        timer.set(in_two_ticks(time), TimerSetTimeFlags::empty())?;
        ARMED.with(|armed| armed.replace(Some(timer)));
        Ok(())
    }

    fn in_two_ticks(time: Duration) -> Expiration {
        let half = (time / 2).into();
        Expiration::IntervalDelayed(half, half)
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    pub(super) fn end_process_in(_time: std::time::Duration) -> bool {
        false
    }

    pub(super) fn end_process_anew_in(_time: std::time::Duration) {}
}

/// Where the system does not tell, it is not.
fn is_overloaded() -> bool {
    let runnable = std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| runnable_in(&text))
        .unwrap_or(0);
    // Counting processors costs more than the rest, and is seldom needed.
    runnable > OVERLOADED_AT
        && runnable > OVERLOADED_AT * std::thread::available_parallelism().map_or(1, usize::from)
}

/// `0.20 0.18 0.12 1/80 11206`: one task can run now.
fn runnable_in(loadavg: &str) -> Option<usize> {
    let (runnable, _) = loadavg.split_whitespace().nth(3)?.split_once('/')?;
    runnable.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_runnable_tasks_is_read() {
        assert_eq!(runnable_in("0.20 0.18 0.12 11/803 11206\n"), Some(11));
        assert_eq!(runnable_in(""), None);
        assert_eq!(runnable_in("1 2 3 x/y 5"), None);
    }

    #[test]
    fn a_payload_that_has_begun_gets_half_of_the_time() {
        let patience = Patience {
            extra: Duration::ZERO,
            ..Patience::new(Duration::from_hours(1))
        };
        let (half, most) = (patience.for_payload(true), patience.for_payload(false));
        assert!(half.unwrap() <= Duration::from_mins(30));
        assert!(most.unwrap() > Duration::from_mins(59));
    }

    #[test]
    fn an_overloaded_machine_gets_more_and_not_for_ever() {
        let ago = |time: Duration| Instant::now().checked_sub(time).unwrap();
        let patience = |begun, extra| Patience {
            begun,
            limit: Duration::from_millis(150),
            extra,
        };
        let late = ago(Duration::from_millis(200));
        assert_eq!(patience(late, Duration::ZERO).for_payload(false), None);
        assert!(
            patience(late, OVERLOADED_EXTRA)
                .for_payload(false)
                .is_some()
        );
        let too_late = ago(Duration::from_secs(2));
        assert_eq!(
            patience(too_late, OVERLOADED_EXTRA).for_payload(false),
            None
        );
    }
}
