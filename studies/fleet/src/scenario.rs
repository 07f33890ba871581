//! The disasters of a fleet.

use std::time::Duration;

use crate::client::End;

/// One server accepts this part of the fleet a second: 1,000 of 50,000.
pub const RATE: f64 = 1.0 / 50.0;
/// Servers behind the balancer, where there is one.
const SERVERS: u8 = 10;
/// One client in so many is behind the access point.
const BEHIND: usize = 50;

#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// In a sentence or two.
    pub about: &'static str,
    pub servers: u8,
    /// One client in so many is concerned; nothing happens to the others.
    pub one_in: usize,
    /// In the order of their times, from the first loss on.
    pub story: Vec<(Duration, Happening)>,
    /// When what was lost is there again; zero if something to dial to is
    /// there all the time. Then a client's time runs from its own loss.
    pub back: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// A server ends its links in this way and goes down.
    Down(u8, Ends),
    Up(u8),
    /// All links end, and the servers stay.
    Cut(Ends),
    /// The network of all is gone, and their links end in this way; or it is
    /// there again. Their hosts say so, or not.
    NetworkGone {
        told: bool,
        end: End,
    },
    NetworkBack {
        told: bool,
    },
}

/// How links end that end together.
#[derive(Clone, Copy, Debug)]
pub enum Ends {
    Alike(End),
    /// One with a FIN, the next with a RST.
    FinOrRst,
}

impl Ends {
    /// How the link of this client ends.
    pub fn of(self, client: usize) -> End {
        match self {
            Ends::Alike(end) => end,
            Ends::FinOrRst if client.is_multiple_of(2) => End::Fin,
            Ends::FinOrRst => End::Rst,
        }
    }
}

pub fn all() -> Vec<Scenario> {
    vec![
        server_lost(),
        access_point_lost(true),
        access_point_lost(false),
        rolling_restart(1012),
        rolling_restart(1001),
        balancer_cut(),
    ]
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn server_lost() -> Scenario {
    Scenario {
        name: "server_lost",
        about: "One server ends all links, half with a FIN and half with a RST, refuses for 30 s, and then \
                accepts 1 in 50 of the fleet a second",
        servers: 1,
        one_in: 1,
        story: vec![(secs(0), Happening::Down(0, Ends::FinOrRst)), (secs(30), Happening::Up(0))],
        back: secs(30),
    }
}

fn access_point_lost(told: bool) -> Scenario {
    if told {
        access_point(
            "access_point_lost",
            "One client in 50 is behind an access point that is gone for 60 s: addresses are lost, and dials \
             fail at once. Then the clients join it again, evenly over a second. Hosts say offline, and online \
             when they have joined. One server",
            true,
            End::AddressGone,
        )
    } else {
        access_point(
            "access_point_lost_untold",
            "The same, and hosts say nothing: links end with an error of the system",
            false,
            End::Error,
        )
    }
}

fn access_point(name: &'static str, about: &'static str, told: bool, end: End) -> Scenario {
    Scenario {
        name,
        about,
        servers: 1,
        one_in: BEHIND,
        story: vec![
            (secs(0), Happening::NetworkGone { told, end }),
            (secs(60), Happening::NetworkBack { told }),
        ],
        back: secs(60),
    }
}

/// One every 30 s, each down for 5 s.
fn rolling_restart(code: u16) -> Scenario {
    let (name, about) = if code == 1012 {
        (
            "rolling_restart",
            "Ten servers restart, one each 30 s, for 5 s, with a Close 1012; a balancer spreads who comes \
             over those that are up",
        )
    } else {
        ("rolling_restart_1001", "The same, with a Close 1001")
    };
    let ends = Ends::Alike(End::Close(code));
    let story = (0..SERVERS).flat_map(|server| {
        let at = secs(30) * u32::from(server);
        [(at, Happening::Down(server, ends)), (at + secs(5), Happening::Up(server))]
    });
    Scenario { name, about, servers: SERVERS, one_in: 1, story: story.collect(), back: secs(0) }
}

fn balancer_cut() -> Scenario {
    Scenario {
        name: "balancer_cut",
        about: "A balancer before ten servers ends all links, which are idle, half with a FIN and half with a \
                RST; the servers are up",
        servers: SERVERS,
        one_in: 1,
        story: vec![(secs(0), Happening::Cut(Ends::FinOrRst))],
        back: secs(0),
    }
}
