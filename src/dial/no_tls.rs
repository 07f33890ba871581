//! TLS where the feature `tls` is off: there is none.

/// A type without values, since there is no TLS.
#[derive(Clone, Debug)]
pub(crate) enum Tls {}

impl Tls {
    #[cfg(feature = "websocket")]
    pub(crate) fn new(_host: &str) -> Option<Tls> {
        None
    }
}
