//! The upgrade: one HTTP/1.1 request over our own stream.
//!
//! The upgrade is done here and not by the WebSocket library because the library
//! logs the whole request at TRACE, and because a refusal's status and
//! `Retry-After` decide when to come back. Everything runs inside the caller's future.

use std::error::Error as _;
use std::future::poll_fn;
use std::io;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    CONNECTION, HOST, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::retry_after;
use super::url::Url;
use crate::transport::ConnectError;
use crate::{Failure, LinkEnd};

/// No server needs more than 16 KiB to say yes or no.
const LONGEST_HEADER: usize = 16 * 1024;

/// The upgrade request.
pub(super) struct UpgradeRequest<'a> {
    pub(super) url: &'a Url,
    /// Whether the query of the URL is part of it.
    pub(super) with_query: bool,
    pub(super) headers: HeaderMap,
    pub(super) subprotocols: &'a [HeaderValue],
}

/// A stream that speaks WebSocket from here on.
#[derive(Debug)]
pub(super) struct Upgraded<S> {
    pub(super) stream: S,
    /// Bytes that came right behind the answer: the first frames.
    pub(super) behind: Bytes,
    /// The subprotocol that the server chose.
    pub(super) subprotocol: Option<HeaderValue>,
}

/// Asks for the upgrade. `verified` says whether the peer has shown a
/// certificate.
///
/// Cancel safe: the stream is dropped with the future.
pub(super) async fn upgrade<S>(
    stream: S,
    wanted: UpgradeRequest<'_>,
    verified: bool,
) -> Result<Upgraded<S>, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let key = generate_key();
    let subprotocols = wanted.subprotocols;
    let request = request(wanted, &key)?;
    let (mut sender, mut connection) = http1::Builder::new()
        .max_buf_size(LONGEST_HEADER)
        .title_case_headers(true)
        .handshake::<_, String>(TokioIo::new(stream))
        .await
        .map_err(failed)?;

    let mut answer = std::pin::pin!(sender.send_request(request));
    // The answer comes out of the connection while that is being polled; on
    // an upgrade the connection then ends and gives its stream back.
    let mut over = false;
    let response = loop {
        tokio::select! {
            biased;
            response = &mut answer => break response.map_err(failed)?,
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)), if !over => {
                ended.map_err(failed)?;
                over = true;
            }
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(ConnectError::new(refusal(&response, verified)));
    }
    let subprotocol = accept(&response, &key, subprotocols)
        .map_err(|rule| ConnectError::new(Failure::Protocol(rule.to_owned())))?;
    drop(response);
    if !over {
        poll_fn(|cx| connection.poll_without_shutdown(cx)).await.map_err(failed)?;
    }
    let parts = connection.into_parts();
    Ok(Upgraded { stream: parts.io.into_inner(), behind: parts.read_buf, subprotocol })
}

fn request(wanted: UpgradeRequest<'_>, key: &str) -> Result<Request<String>, ConnectError> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|error| ConnectError::with_source(Failure::Stop, error))
    };
    let mut request = Request::new(String::new());
    *request.uri_mut() = wanted.url.target(wanted.with_query);
    *request.headers_mut() = wanted.headers;
    let headers = request.headers_mut();
    headers.insert(HOST, value(&wanted.url.authority)?);
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, value(key)?);
    // One line with commas: not every server reads a second one.
    let subprotocols: Vec<&[u8]> = wanted.subprotocols.iter().map(HeaderValue::as_bytes).collect();
    if !subprotocols.is_empty() {
        let list = HeaderValue::from_bytes(&subprotocols.join(&b", "[..]));
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            list.map_err(|error| ConnectError::with_source(Failure::Stop, error))?,
        );
    }
    Ok(request)
}

/// The failure in an answer that is no upgrade.
fn refusal<B>(response: &Response<B>, verified: bool) -> Failure {
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after::parse(value, SystemTime::now()));
    Failure::Http { status: response.status().as_u16(), retry_after, verified }
}

/// Checks a 101 by RFC 6455, section 4.1; an error names the rule.
fn accept<B>(
    response: &Response<B>,
    key: &str,
    offered: &[HeaderValue],
) -> Result<Option<HeaderValue>, &'static str> {
    let headers = response.headers();
    if response.version() < Version::HTTP_11 {
        return Err("the answer's HTTP version is below 1.1");
    }
    if !has_token(headers, &UPGRADE, "websocket") {
        return Err("the answer's Upgrade header does not say websocket");
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err("the answer's Connection header does not say Upgrade");
    }
    match only(headers, &SEC_WEBSOCKET_ACCEPT) {
        Ok(Some(accept)) if accept.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes() => {}
        Ok(_) | Err(Duplicate) => return Err("Sec-WebSocket-Accept does not match the key"),
    }
    if headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().any(|value| !value.is_empty()) {
        return Err("the server chose an extension that was not offered");
    }
    match only(headers, &SEC_WEBSOCKET_PROTOCOL) {
        Ok(None) => Ok(None),
        Ok(Some(chosen)) if offered.contains(chosen) => Ok(Some(chosen.clone())),
        Ok(Some(_)) => Err("the server chose a subprotocol that was not offered"),
        Err(Duplicate) => Err("the server chose more than one subprotocol"),
    }
}

/// A header stands there more than once.
struct Duplicate;

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Duplicate> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Duplicate),
    }
}

/// Whether one of a list header's words is `token`, in any case.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// Sorts hyper's errors. Their texts name rules, never what was sent.
fn failed(error: hyper::Error) -> ConnectError {
    let failure = if error.is_parse() {
        Failure::Protocol(error.to_string())
    } else if let Some(io) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        crate::dial::failure(io)
    } else {
        // The stream ended before the answer, or in the middle of it.
        Failure::Ended(LinkEnd::Eof)
    };
    ConnectError::with_source(failure, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn answer(headers: &[(&'static str, &str)]) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in headers {
            response.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
        }
        response
    }

    /// The sample of RFC 6455, section 1.3.
    const GOOD: [(&str, &str); 3] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];

    #[test]
    fn the_answer_of_the_rfc_is_accepted() {
        assert_eq!(accept(&answer(&GOOD), KEY, &[]), Ok(None));
    }

    #[test]
    fn an_answer_without_one_of_its_three_headers_is_refused() {
        for missing in 0..GOOD.len() {
            let mut headers = GOOD.to_vec();
            headers.remove(missing);
            assert!(accept(&answer(&headers), KEY, &[]).is_err(), "{missing}");
        }
        let mut old = answer(&GOOD);
        *old.version_mut() = Version::HTTP_10;
        assert!(accept(&old, KEY, &[]).is_err());
    }

    #[test]
    fn only_one_of_the_offered_subprotocols_may_be_chosen() {
        let offered = [HeaderValue::from_static("a"), HeaderValue::from_static("b")];
        let with = |chosen: &[&'static str]| {
            let mut headers = GOOD.to_vec();
            headers.extend(chosen.iter().map(|&value| ("sec-websocket-protocol", value)));
            accept(&answer(&headers), KEY, &offered)
        };
        assert_eq!(with(&["b"]), Ok(Some(HeaderValue::from_static("b"))));
        assert_eq!(with(&[]), Ok(None));
        assert!(with(&["c"]).is_err());
        assert!(with(&["a", "b"]).is_err());
        assert!(with(&["a, b"]).is_err());
    }

    #[test]
    fn an_extension_that_nobody_offered_is_refused() {
        let mut headers = GOOD.to_vec();
        headers.push(("sec-websocket-extensions", "permessage-deflate"));
        assert!(accept(&answer(&headers), KEY, &[]).unwrap_err().contains("extension"));
    }
}
