//! Happy eyeballs (RFC 8305) over any way of dialling, so that its timing can
//! be tested without a network.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// The order in which to try `found`: families by turns, beginning with the
/// resolver's first. The address that was good last time comes before all others,
/// if it is still there; doubted addresses come behind all others, the
/// latest last. Repetitions go.
pub(super) fn order(
    found: Vec<SocketAddr>,
    last_good: Option<IpAddr>,
    doubted: &[IpAddr],
) -> Vec<SocketAddr> {
    let Some(first) = found.first() else { return found };
    let starts_with_v6 = first.is_ipv6();
    let (mut one, mut other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == starts_with_v6);
    one.reverse();
    other.reverse();

    let mut ordered = Vec::with_capacity(one.len() + other.len());
    let mut add = |address: SocketAddr| {
        if !ordered.contains(&address) {
            if Some(address.ip()) == last_good {
                ordered.insert(0, address);
            } else {
                ordered.push(address);
            }
        }
    };
    while !one.is_empty() || !other.is_empty() {
        one.pop().into_iter().chain(other.pop()).for_each(&mut add);
    }
    // A stable sort: addresses that are not doubted have no place and stay first.
    ordered.sort_by_key(|address| doubted.iter().position(|doubted| *doubted == address.ip()));
    ordered
}

/// Dials `addresses` in order, the next one after `stagger`, or at once when
/// no dial is under way or one has just failed. The first to connect wins; the
/// others are dropped. If all fail, their errors come back in the order in
/// which they came.
///
/// Cancel safe: dropping the future drops every dial under way.
pub(super) async fn race<T, E, F, Fut>(
    addresses: &[SocketAddr],
    stagger: Duration,
    dial: F,
) -> Result<(SocketAddr, T), Vec<E>>
where
    F: Fn(SocketAddr) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    let mut waiting = addresses.iter().copied();
    let mut running: Vec<(SocketAddr, Pin<Box<Fut>>)> = Vec::new();
    let mut errors = Vec::new();
    let mut pause = pin!(tokio::time::sleep(stagger));
    let mut start_next = true;

    poll_fn(|cx| {
        loop {
            if std::mem::take(&mut start_next)
                && let Some(address) = waiting.next()
            {
                running.push((address, Box::pin(dial(address))));
                pause.as_mut().reset(Instant::now() + stagger);
            }
            let mut at = 0;
            while at < running.len() {
                let (address, attempt) = &mut running[at];
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Ok((*address, connected))),
                    Poll::Ready(Err(error)) => {
                        errors.push(error);
                        drop(running.remove(at));
                        start_next = true;
                    }
                    Poll::Pending => at += 1,
                }
            }
            let exhausted = waiting.len() == 0;
            if running.is_empty() && exhausted {
                return Poll::Ready(Err(std::mem::take(&mut errors)));
            }
            if exhausted {
                return Poll::Pending;
            }
            if start_next || pause.as_mut().poll(cx).is_ready() {
                start_next = true;
                continue;
            }
            return Poll::Pending;
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const STAGGER: Duration = Duration::from_millis(250);

    fn v4(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 1))
    }

    fn v6(last: u16) -> SocketAddr {
        SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, last], 1))
    }

    /// Dials that take as long as the table says, and the instants at which
    /// they began.
    struct Table {
        began: Mutex<Vec<(SocketAddr, Duration)>>,
        zero: Instant,
        under_way: Arc<AtomicUsize>,
    }

    struct UnderWay(Arc<AtomicUsize>);

    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl Table {
        fn new() -> Table {
            Table { began: Mutex::default(), zero: Instant::now(), under_way: Arc::default() }
        }

        fn dial(
            &self,
            address: SocketAddr,
            takes: Option<Duration>,
            ends: Result<(), &'static str>,
        ) -> impl Future<Output = Result<(), &'static str>> + use<> {
            self.began.lock().unwrap().push((address, self.zero.elapsed()));
            self.under_way.fetch_add(1, Ordering::Relaxed);
            let held = UnderWay(Arc::clone(&self.under_way));
            async move {
                let _held = held;
                match takes {
                    Some(takes) => tokio::time::sleep(takes).await,
                    None => std::future::pending().await,
                }
                ends
            }
        }

        fn began(&self) -> Vec<(SocketAddr, Duration)> {
            self.began.lock().unwrap().clone()
        }
    }

    #[test]
    fn families_take_turns_and_the_last_good_address_goes_first() {
        let found = vec![v6(1), v6(2), v6(3), v4(1), v4(2), v6(2)];
        assert_eq!(order(found.clone(), None, &[]), [v6(1), v4(1), v6(2), v4(2), v6(3)]);
        assert_eq!(order(found.clone(), Some(v4(2).ip()), &[]), [v4(2), v6(1), v4(1), v6(2), v6(3)]);
        assert_eq!(
            order(found.clone(), Some(v4(9).ip()), &[])[0],
            v6(1),
            "an address that is gone is forgotten"
        );
        let doubted = [v6(3).ip(), v6(1).ip()];
        assert_eq!(order(found, Some(v4(2).ip()), &doubted), [v4(2), v4(1), v6(2), v6(3), v6(1)]);
        assert_eq!(order(vec![v4(1), v6(1)], None, &[]), [v4(1), v6(1)], "the resolver's first family leads");
        assert!(order(Vec::new(), Some(v4(1).ip()), &[]).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_joins_after_250_ms_and_the_first_answer_wins() {
        let table = Table::new();
        let won = race(&[v6(1), v4(1), v6(2)], STAGGER, |address| {
            let takes = if address == v4(1) { Some(Duration::from_millis(100)) } else { None };
            table.dial(address, takes, Ok(()))
        })
        .await;
        assert_eq!(won, Ok((v4(1), ())));
        assert_eq!(table.zero.elapsed(), Duration::from_millis(350));
        assert_eq!(table.began(), [(v6(1), Duration::ZERO), (v4(1), STAGGER)]);
        assert_eq!(table.under_way.load(Ordering::Relaxed), 0, "the loser was dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_at_once_and_the_pause_anew() {
        let table = Table::new();
        let won = race(&[v6(1), v4(1), v6(2)], STAGGER, |address| {
            if address == v6(1) {
                table.dial(address, Some(Duration::from_millis(30)), Err("no"))
            } else if address == v4(1) {
                table.dial(address, None, Err("never"))
            } else {
                table.dial(address, Some(Duration::from_millis(5)), Ok(()))
            }
        })
        .await;
        assert_eq!(won, Ok((v6(2), ())));
        let millis = Duration::from_millis;
        assert_eq!(table.began(), [(v6(1), millis(0)), (v4(1), millis(30)), (v6(2), millis(280))]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_can_still_win_after_others_have_joined() {
        let table = Table::new();
        let won = race(&[v6(1), v4(1)], STAGGER, |address| {
            let takes = if address == v6(1) { 400 } else { 1_000 };
            table.dial(address, Some(Duration::from_millis(takes)), Ok(()))
        })
        .await;
        assert_eq!(won, Ok((v6(1), ())));
        assert_eq!(table.zero.elapsed(), Duration::from_millis(400));
    }

    #[tokio::test(start_paused = true)]
    async fn if_all_fail_every_error_comes_back() {
        let table = Table::new();
        let lost: Result<(SocketAddr, ()), _> = race(&[v6(1), v4(1)], STAGGER, |address| {
            let (takes, error) = if address == v6(1) { (300, "slow") } else { (1, "quick") };
            table.dial(address, Some(Duration::from_millis(takes)), Err(error))
        })
        .await;
        assert_eq!(lost.unwrap_err(), ["quick", "slow"]);
        assert_eq!(table.zero.elapsed(), Duration::from_millis(300));
        let none: Result<(SocketAddr, ()), Vec<&str>> =
            race(&[], STAGGER, |address| table.dial(address, None, Ok(()))).await;
        assert_eq!(none, Err(Vec::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_race_drops_every_dial_under_way() {
        let table = Table::new();
        let addresses = [v6(1), v4(1), v6(2), v4(2)];
        let raced = race(&addresses, STAGGER, |address| table.dial(address, None, Ok(())));
        assert!(tokio::time::timeout(Duration::from_millis(600), raced).await.is_err());
        assert_eq!(table.began().len(), 3);
        assert_eq!(table.under_way.load(Ordering::Relaxed), 0);
    }
}
