//! nginx as a server that answers in a certain way.

use std::fs;
use std::time::{Duration, Instant};

use longlink::WebSocket;
use tokio::time::sleep;

use crate::authority::{Authority, Identity};
use crate::process::{Nginx, Tools, free_port};
use crate::small;

/// nginx with locations of the test's own.
#[derive(Debug)]
pub struct Site {
    nginx: Nginx,
    tls: bool,
}

impl Site {
    /// Without TLS: nobody has vouched for what it says.
    pub fn plain(tools: &Tools, locations: &str) -> Site {
        Site::plain_on(tools, free_port(), locations)
    }

    /// The same on a certain port.
    pub fn plain_on(tools: &Tools, port: u16, locations: &str) -> Site {
        Site { nginx: tools.nginx(port, false, |_| locations.to_owned()), tls: false }
    }

    /// With TLS and the certificate that `authority` gives to the address
    /// where it listens: whoever trusts that has verified it.
    pub fn verified(tools: &Tools, authority: &Authority, locations: &str) -> Site {
        Site::secure_on(tools, free_port(), &authority.identity("127.0.0.1"), locations)
    }

    /// With TLS and any certificate, on a certain port.
    pub fn secure_on(tools: &Tools, port: u16, identity: &Identity, locations: &str) -> Site {
        let nginx = tools.nginx(port, true, |directory| {
            let write = |name: &str, content: &str| {
                let path = directory.join(name);
                fs::write(&path, content).expect("the temporary directory can be written");
                path.display().to_string()
            };
            let certificate = write("certificate.pem", &identity.certificate);
            let key = write("key.pem", &identity.key);
            format!("ssl_certificate {certificate};\nssl_certificate_key {key};\n{locations}")
        });
        Site { nginx, tls: true }
    }

    pub fn port(&self) -> u16 {
        self.nginx.port()
    }

    /// A transport to one of its paths, which begin with `/`.
    pub fn transport(&self, path: &str) -> WebSocket {
        let scheme = if self.tls { "wss" } else { "ws" };
        WebSocket::new(format!("{scheme}://127.0.0.1:{}{path}", self.port())).expect("a sound URL")
    }

    /// Waits until it has answered so many requests for `path`, and then for
    /// the longest delay at [`SMALL`](crate::SMALL) scale, twice: nobody may
    /// come back.
    pub async fn assert_only(&self, path: &str, requests: usize) {
        // It logs a request soon after its answer, not before.
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.requests(path) < requests && Instant::now() < deadline {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(small(Duration::from_secs(120))).await;
        assert_eq!(self.requests(path), requests, "{path}");
    }

    /// How many requests for `path` it has logged so far.
    pub fn requests(&self, path: &str) -> usize {
        let logged = |line: &&String| line.split_once(' ').is_some_and(|(_, logged)| logged == path);
        self.nginx.requests().iter().filter(logged).count()
    }
}

/// A location that answers with a status. nginx sends 408 and some others only
/// with a body.
pub fn says(path: &str, status: u16) -> String {
    says_with(path, status, "")
}

/// The same, with more directives.
pub fn says_with(path: &str, status: u16, more: &str) -> String {
    format!("location = {path} {{ {more} return {status} \"no\"; }}\n")
}

/// A location for each status, at its number.
pub fn statuses(statuses: &[u16]) -> String {
    statuses.iter().map(|&status| says(&format!("/{status}"), status)).collect()
}
