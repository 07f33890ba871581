//! The faults of a connection in a round.

use std::time::Duration;

use longlink::testing::{Direction, Newcomers};
use longlink::{Activity, NetworkStatus, Update};
use tokio::time::sleep;

use super::{SCALE, Session, heartbeat};
use crate::faults::{Companion, Fault};
use crate::reading::Order;
use crate::server;
use crate::wire::Wire;

impl<W: Wire> Session<W> {
    /// Does it, and undoes it as far as it goes on. Whether the link that was
    /// in use cannot have outlived it.
    pub(super) async fn strike(&mut self, fault: Fault, before: u64) -> bool {
        let proxy = &self.proxy;
        match fault {
            Fault::Reset(way) => proxy.reset(way),
            Fault::CutAfter { way, bytes, cut } => {
                proxy.cut_after(way, bytes, cut);
                self.armed = true;
                // It comes when it comes, if need be in a later round.
                let _ = tokio::time::timeout(Duration::from_millis(10), self.left(before)).await;
                return false;
            }
            Fault::HalfClose(way) => proxy.half_close(way),
            Fault::Stall { way, lasts } => {
                proxy.stall(way);
                sleep(lasts).await;
                self.proxy.restore(way);
                return false;
            }
            Fault::BlackHole(way) => {
                proxy.black_hole(way);
                self.left(before).await;
                self.proxy.restore(way);
            }
            Fault::NoWay { met, lasts } => {
                proxy.newcomers(met).unwrap();
                proxy.reset(Direction::Both);
                sleep(lasts).await;
                self.proxy.newcomers(Newcomers::Connected).unwrap();
            }
            Fault::Restart { down } => {
                self.server.stop().await;
                sleep(down).await;
                self.proxy.lead_to(self.server.start().await);
            }
            Fault::ServerFin => {
                let clear = self.clear_way(before);
                self.server.order(server::Order::Finish { clear });
            }
            Fault::ServerGoodbye { code } => {
                let clear = self.clear_way(before);
                self.server.order(server::Order::Goodbye { code, clear });
            }
            Fault::ServerFreezes => self.server.order(server::Order::Freeze),
            Fault::ServerStalls { lasts } => {
                self.server.order(server::Order::Read { after: lasts });
                sleep(lasts).await;
                return false;
            }
            Fault::LoginRefused { times } => {
                self.server.refuse_logins(times);
                proxy.reset(Direction::Both);
            }
            Fault::LoginIgnored => {
                self.server.ignore_logins(1);
                proxy.reset(Direction::Both);
            }
            Fault::Offline { lasts, cut } => {
                self.network.set(NetworkStatus::Offline);
                if cut {
                    proxy.reset(Direction::Both);
                }
                sleep(lasts).await;
                self.network.set(NetworkStatus::Online);
                return cut;
            }
            Fault::LongSleep => {
                self.suspend.slept(Duration::from_secs(3_600).mul_f64(SCALE));
                // Whatever wakes the task shows it the sleep.
                self.tell(Order::Probe);
            }
            Fault::Pause { lasts } => {
                self.tell(Order::Pause);
                self.left(before).await;
                sleep(lasts).await;
                self.tell(Order::Resume);
            }
            Fault::ReconnectNow => self.tell(Order::Reconnect),
            Fault::Nothing => return false,
        }
        true
    }

    pub(super) fn accompany(&mut self, companion: Companion) {
        match companion {
            Companion::ReaderStalls(lasts) => self.tell(Order::Stall(lasts)),
            Companion::Latency(way, latency) => self.proxy.latency(way, latency),
            Companion::Probe => self.tell(Order::Probe),
            Companion::NetworkChanged => self.network.set_on(NetworkStatus::Changed, "another"),
            Companion::Woke => self.network.set(NetworkStatus::Woke),
            Companion::ShortSleep(lasts) => self.suspend.slept(lasts),
            Companion::Background => self.tell(Order::Activity(Activity::Background)),
            Companion::Foreground => self.tell(Order::Activity(Activity::Foreground)),
            Companion::Update => {
                let update = Update::new().heartbeat(heartbeat().misses(4));
                self.tell(Order::Update(Box::new(update)));
            }
        }
    }
}
