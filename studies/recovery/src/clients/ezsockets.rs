//! ezsockets, with the default `ClientConfig`. It tells of the end of a link
//! (`on_disconnect`, `on_close`) and of failed attempts (`on_connect_fail`).

use ezsockets::client::ClientCloseMode;
use ezsockets::{Bytes, ClientConfig, ClientExt, CloseFrame, Error, Utf8Bytes, WSError};

use super::Role;
use crate::tape::Tape;

struct Listener {
    tape: Tape,
}

#[async_trait::async_trait]
impl ClientExt for Listener {
    type Call = ();

    async fn on_text(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        self.tape.message(&text);
        Ok(())
    }

    async fn on_binary(&mut self, _: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }

    // These return the same as by default.

    async fn on_connect_fail(&mut self, _: WSError) -> Result<ClientCloseMode, Error> {
        self.tape.failed();
        Ok(ClientCloseMode::Reconnect)
    }

    async fn on_close(&mut self, _: Option<CloseFrame>) -> Result<ClientCloseMode, Error> {
        self.tape.gone();
        Ok(ClientCloseMode::Reconnect)
    }

    async fn on_disconnect(&mut self) -> Result<ClientCloseMode, Error> {
        self.tape.gone();
        Ok(ClientCloseMode::Reconnect)
    }
}

pub(super) async fn run(mut role: Role) {
    let config = ClientConfig::new(role.url().as_str());
    let tape = role.tape.clone();
    let (handle, running) = ezsockets::connect(|_| Listener { tape }, config).await;
    let speaking = async {
        // It discards what is sent while it connects.
        while handle.text(role.speech.next().await.to_string()).is_ok() {}
    };
    // It ends by itself where it finds an error that it does not expect.
    let (_, ()) = tokio::join!(running, speaking);
}
