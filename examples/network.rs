//! Prints what the monitor tells of this host's network, until it is stopped.
//!
//! `cargo run --example network --features network-monitor`

use std::future::poll_fn;
use std::time::Instant;

use longlink::network::{Monitor, Network};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut watch = Monitor::start()?.watch();
    let begun = Instant::now();
    println!("network: {}", watch.key().as_deref().unwrap_or("without a name"));
    loop {
        let change = poll_fn(|cx| watch.poll_change(cx)).await;
        let name = change.key.as_deref().unwrap_or("-");
        println!("{:9.3} s  {:?}  {name}", begun.elapsed().as_secs_f64(), change.status);
    }
}
