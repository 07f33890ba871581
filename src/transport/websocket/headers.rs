//! Headers of the upgrade request: the permitted ones, and the source of the secret
//! ones.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::transport::{Attempt, ConnectError};
use crate::{Failure, Invalid};

const FIELD: &str = "websocket.header";

/// One header from its text. The value is marked sensitive, so that nothing
/// prints it.
pub(super) fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Invalid> {
    let refuse = |why: &str| Invalid::new(FIELD, format!("`{}`: {why}", name.escape_debug()));
    let parsed: HeaderName = name.parse().map_err(|_| refuse("not a valid header name"))?;
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| refuse("the value holds a line break or another control character"))?;
    value.set_sensitive(true);
    check(&parsed)?;
    Ok((parsed, value))
}

/// Refuses the headers that the handshake itself writes, and those that would
/// give the request a body.
pub(super) fn check(name: &HeaderName) -> Result<(), Invalid> {
    const RESERVED: [&str; 5] = ["host", "connection", "upgrade", "content-length", "transfer-encoding"];
    if RESERVED.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-") {
        return Err(Invalid::new(FIELD, format!("`{name}`: written by the handshake itself")));
    }
    Ok(())
}

type HeadersFuture = Pin<Box<dyn Future<Output = Result<HeaderMap, ConnectError>> + Send>>;

/// The user's hook, without its type.
#[derive(Clone)]
pub(super) struct Credentials(Arc<dyn Fn(Attempt) -> HeadersFuture + Send + Sync>);

impl Credentials {
    pub(super) fn new<F, Fut>(hook: F) -> Credentials
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, ConnectError>> + Send + 'static,
    {
        Credentials(Arc::new(move |attempt| Box::pin(hook(attempt))))
    }

    /// Asks the hook, and refuses headers that it may not set.
    pub(super) async fn ask(&self, attempt: &Attempt) -> Result<HeaderMap, ConnectError> {
        let mut headers = (self.0)(attempt.clone()).await?;
        for (name, value) in headers.iter_mut() {
            check(name)
                .map_err(|refused| ConnectError::with_source(Failure::Hook { retry: false }, refused))?;
            value.set_sensitive(true);
        }
        Ok(headers)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_would_break_the_request_is_refused_by_name() {
        for (name, value) in [
            ("X-Token", "secret\r\nX-Other: 1"),
            ("X-Token", "secret\n"),
            ("X-Token", "secret\0"),
            ("X Token", "secret"),
            ("X-Token\r\n", "secret"),
            ("", "secret"),
        ] {
            let refused = parse(name, value).unwrap_err();
            assert_eq!(refused.field, FIELD);
            assert!(!refused.to_string().contains("secret"), "{refused}");
            assert!(!refused.to_string().contains('\n'));
        }
    }

    #[test]
    fn a_header_that_the_handshake_writes_itself_is_refused() {
        for name in ["Host", "connection", "UPGRADE", "Sec-WebSocket-Key", "sec-websocket-protocol"] {
            let refused = parse(name, "x").unwrap_err();
            assert!(refused.why.contains(&name.to_lowercase()), "{refused}");
        }
        let (name, value) = parse("Authorization", "Bearer secret").unwrap();
        assert_eq!(format!("{name} {value:?}"), "authorization Sensitive");
    }
}
