//! The URL, taken apart and checked once.

use std::fmt;
use std::net::Ipv6Addr;

use http::Uri;

use crate::Invalid;

const FIELD: &str = "websocket.url";

/// Where to connect and what to ask for. Path and query may hold tokens: they
/// go to the server and nowhere else, so `Debug` and `Display` print scheme,
/// host and port only.
#[derive(Clone)]
pub(super) struct Url {
    /// `wss`, not `ws`.
    pub(super) secure: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The `Host` header: the port only where it is not the
    /// scheme's own.
    pub(super) authority: String,
    /// The target of the request line.
    pub(super) target: Uri,
}

impl Url {
    /// Takes `url` apart. The errors never quote it.
    pub(super) fn parse(url: &str) -> Result<Url, Invalid> {
        let refuse = |why: &str| Invalid::new(FIELD, why);
        if url.contains('#') {
            return Err(refuse("a fragment (`#…`) has no meaning here"));
        }
        // `http::Error`s name the rule, not the text.
        let uri: Uri = url.parse().map_err(|error| refuse(&format!("malformed: {error}")))?;
        let secure = match uri.scheme_str() {
            Some(scheme) if scheme.eq_ignore_ascii_case("ws") => false,
            Some(scheme) if scheme.eq_ignore_ascii_case("wss") => true,
            Some(_) => return Err(refuse("the scheme must be `ws` or `wss`")),
            None => return Err(refuse("must begin with `ws://` or `wss://`")),
        };
        if secure && cfg!(not(feature = "tls")) {
            return Err(refuse("`wss` needs the cargo feature `tls`"));
        }
        let authority = uri.authority().ok_or_else(|| refuse("the host is missing"))?;
        if authority.as_str().contains('@') {
            return Err(refuse(
                "a user or password in the URL is refused: put it into an Authorization header",
            ));
        }
        let bracketed = authority.host();
        let host = match bracketed.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inner) if inner.parse::<Ipv6Addr>().is_err() => {
                return Err(refuse("not an IPv6 address between the brackets"));
            }
            Some(inner) => inner,
            None => bracketed,
        };
        if host.is_empty() {
            return Err(refuse("the host is missing"));
        }
        let own_port = if secure { 443 } else { 80 };
        let behind = authority.as_str().strip_prefix(bracketed).unwrap_or_default();
        let port = match (behind, behind.strip_prefix(':')) {
            ("", _) | (_, Some("")) => own_port,
            (_, None) => return Err(refuse("a colon is missing between host and port")),
            (_, Some(port)) => match port.parse() {
                Ok(0) | Err(_) => return Err(refuse("the port must lie between 1 and 65535")),
                Ok(port) => port,
            },
        };
        let target = match uri.path_and_query() {
            Some(target) if target.as_str().starts_with('/') => Uri::from(target.clone()),
            Some(target) => format!("/{}", target.as_str()).parse().map_err(|_| refuse("malformed path"))?,
            None => Uri::from_static("/"),
        };
        let (host, authority) = (
            host.to_owned(),
            if port == own_port { bracketed.to_owned() } else { format!("{bracketed}:{port}") },
        );
        Ok(Url { secure, host, port, authority, target })
    }

    /// The target, with the query or without.
    pub(super) fn target(&self, with_query: bool) -> Uri {
        if with_query || self.target.query().is_none() {
            return self.target.clone();
        }
        self.target.path().parse().unwrap_or_else(|_| Uri::from_static("/"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, u16, String, String) {
        let url = Url::parse(url).unwrap();
        (url.host, url.port, url.authority, url.target.to_string())
    }

    #[test]
    fn a_url_comes_apart() {
        let is = |host: &str, port, authority: &str, target: &str| {
            (host.to_owned(), port, authority.to_owned(), target.to_owned())
        };
        assert_eq!(parts("ws://example.com"), is("example.com", 80, "example.com", "/"));
        assert_eq!(parts("ws://example.com:80/a?b=c"), is("example.com", 80, "example.com", "/a?b=c"));
        assert_eq!(parts("ws://example.com:8080/"), is("example.com", 8080, "example.com:8080", "/"));
        assert_eq!(parts("ws://example.com?t=1"), is("example.com", 80, "example.com", "/?t=1"));
        assert_eq!(parts("WS://127.0.0.1:9"), is("127.0.0.1", 9, "127.0.0.1:9", "/"));
        assert_eq!(parts("ws://[::1]/x"), is("::1", 80, "[::1]", "/x"));
        assert_eq!(parts("ws://[::1]:99/x"), is("::1", 99, "[::1]:99", "/x"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_secure_scheme_has_a_port_of_its_own() {
        assert_eq!(Url::parse("wss://example.com").unwrap().port, 443);
        assert_eq!(Url::parse("wss://example.com:443").unwrap().authority, "example.com");
        assert_eq!(Url::parse("wss://example.com:80").unwrap().authority, "example.com:80");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn the_secure_scheme_needs_its_feature() {
        assert!(Url::parse("wss://example.com").unwrap_err().why.contains("`tls`"));
    }

    #[test]
    fn a_url_that_cannot_work_is_refused_without_being_quoted() {
        for bad in [
            "",
            "secret",
            "/secret",
            "example.com/secret",
            "http://example.com/secret",
            "ws:///secret",
            "ws://:80/secret",
            "ws://user:secret@example.com/",
            "ws://secret@example.com/",
            "ws://example.com/#secret",
            "ws://example.com:0/secret",
            "ws://example.com:66000/secret",
            "ws://[::1]8080/secret",
            "ws://[secret]/",
            "ws://[]/secret",
            "ws://exa[::1]:8080/secret",
            "ws://[fe80::1%25eth0]/secret",
            "ws://example.com/ secret",
            "ws://example.com/\r\nsecret: 1",
        ] {
            let refused = Url::parse(bad).unwrap_err();
            assert_eq!(refused.field, FIELD, "{bad}");
            assert!(!refused.to_string().contains("secret"), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_printed_url_ends_at_the_port() {
        let url = Url::parse("ws://example.com/secret?token=secret").unwrap();
        assert_eq!(format!("{url} {url:?}"), "ws://example.com:80 ws://example.com:80");
        assert_eq!(Url::parse("ws://[::1]/secret").unwrap().to_string(), "ws://[::1]:80");
    }
}
