//! Links that stand around another and differ from it in little.

/// These of a link's functions are those of its field `link`, which carries
/// strings.
macro_rules! forward {
    ($($function:ident)*) => { $(forward!(@ $function);)* };
    (@ poll_next) => {
        fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
            self.link.poll_next(cx)
        }
    };
    (@ poll_ready) => {
        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
            self.link.poll_ready(cx)
        }
    };
    (@ start_send) => {
        fn start_send(&mut self, message: String) -> Result<(), LinkEnd> {
            self.link.start_send(message)
        }
    };
    (@ start_beat) => {
        fn start_beat(&mut self, token: longlink::Token) -> Result<(), LinkEnd> {
            self.link.start_beat(token)
        }
    };
    (@ poll_flush) => {
        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
            self.link.poll_flush(cx)
        }
    };
    (@ poll_close) => {
        fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
            self.link.poll_close(cx)
        }
    };
}

pub(crate) use forward;
