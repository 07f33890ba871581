//! Links that are said goodbye to while nobody reads what they bring.

use crate::support::{builder, in_time, settle};
use longlink::Event;
use longlink::testing::Script;

#[tokio::test(start_paused = true)]
async fn what_nobody_has_read_when_the_reader_goes_is_counted_to_the_last() {
    let script = Script::new([]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..10 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "0");
    let mut events = connection.events();
    let sender = connection.sender();
    drop(connection);
    let told = in_time(events.recv()).await;
    assert_eq!(told, Some(Event::MessagesDropped { count: 9 }));
    drop(sender);
}
