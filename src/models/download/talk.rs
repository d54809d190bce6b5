//! One request over HTTP, on a thread of its own: a line that is silent must not keep anybody from stopping.
//!
//! Redirects are followed here and not by the client, because the hub's own answer, a redirect, tells length and hash of
//! the file, and because its token must reach no other server.

use std::io::{self, Read as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, Uri};
use ureq::{Agent, Body, Proxy};

use super::error::{DownloadError, Ended};
use super::hub::Hub;

/// Servers that one request may be sent on to.
const MOST_REDIRECTS: usize = 8;
/// Chunks that may wait to be written.
const MOST_CHUNKS: usize = 8;
/// Bytes of a chunk.
const CHUNK: usize = 1 << 17;
/// Longest time until a server takes a call.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Where the file is.
    pub address: String,
    /// Bytes that are there already.
    pub from: u64,
    /// Which state of the file those are of, in the server's words.
    pub validator: Option<String>,
}

/// The beginning of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub status: u16,
    /// Where in the file its bytes begin.
    pub starts_at: u64,
    /// Length of the whole file.
    pub total: Option<u64>,
    /// Which state of the file it is, in the server's words.
    pub validator: Option<String>,
    /// Length of the whole file, as the hub says.
    pub linked_bytes: Option<u64>,
    /// Hash of the whole file, as the hub says.
    pub sha256: Option<String>,
    /// For how long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// What comes of a request, in order.
pub(super) enum News {
    Head(Head),
    Chunk(Vec<u8>),
    End(Result<(), Ended>),
}

/// Asks, on a thread of its own, which ends when its news are not wanted any more.
pub(super) fn ask(hub: &Hub, wish: Wish) -> io::Result<Receiver<News>> {
    let (sender, news) = sync_channel(MOST_CHUNKS);
    let hub = hub.clone();
    let talk = move || {
        let end = talk(&hub, &wish, &sender);
        let _ = sender.send(News::End(end));
    };
    thread::Builder::new()
        .name("download".to_owned())
        .spawn(talk)?;
    Ok(news)
}

fn talk(hub: &Hub, wish: &Wish, news: &SyncSender<News>) -> Result<(), Ended> {
    let (response, linked) = follow(hub, wish)?;
    let head = head(&response, linked);
    let is_file = [200, 206].contains(&head.status);
    if news.send(News::Head(head)).is_err() || !is_file {
        return Ok(());
    }
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; CHUNK];
    loop {
        let n_bytes = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n_bytes) => n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Ended::again(&format!("the line broke: {error}"))),
        };
        if news.send(News::Chunk(buffer[..n_bytes].to_vec())).is_err() {
            return Ok(());
        }
    }
}

/// What the hub says of a file before it sends elsewhere.
#[derive(Default)]
struct Linked {
    bytes: Option<u64>,
    sha256: Option<String>,
}

/// Asks, and asks where the answer sends to.
fn follow(hub: &Hub, wish: &Wish) -> Result<(Response<Body>, Linked), Ended> {
    let home = address(&hub.endpoint)?;
    let mut place = address(&wish.address)?;
    let mut linked = Linked::default();
    for _ in 0..=MOST_REDIRECTS {
        let is_home = origin(&place) == origin(&home);
        let response = call(hub, wish, &place, is_home)?;
        let headers = response.headers();
        if is_home {
            linked.bytes = linked.bytes.or(number(headers, "x-linked-size"));
            let hash = hash(headers, "x-linked-etag").or_else(|| hash(headers, "etag"));
            linked.sha256 = linked.sha256.or(hash);
        }
        let sends_on = [301, 302, 303, 307, 308];
        if !sends_on.contains(&response.status().as_u16()) {
            return Ok((response, linked));
        }
        let target = text(headers, "location").ok_or_else(|| redirect("it does not say where"))?;
        let next = join(&place, target).ok_or_else(|| redirect("its target is no address"))?;
        if place.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
            return Err(redirect("its target is not encrypted"));
        }
        place = next;
    }
    Err(redirect("it goes on and on"))
}

fn redirect(reason: &str) -> Ended {
    let reason = reason.to_owned();
    Ended::Final(DownloadError::Redirect { reason })
}

fn connect(reason: String) -> Ended {
    Ended::Final(DownloadError::Connect { reason })
}

fn address(text: &str) -> Result<Uri, Ended> {
    let uri: Option<Uri> = text.parse().ok();
    let is_web = |uri: &Uri| {
        let scheme = uri.scheme_str();
        uri.host().is_some() && (scheme == Some("http") || scheme == Some("https"))
    };
    uri.filter(is_web)
        .ok_or_else(|| connect(format!("this is no web address: {text}")))
}

/// Scheme, host and port: what a token is for.
fn origin(uri: &Uri) -> (String, String, u16) {
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let usual = if scheme == "http" { 80 } else { 443 };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    (scheme, host, uri.port_u16().unwrap_or(usual))
}

/// The address that `target` means on a page at `place`.
fn join(place: &Uri, target: &str) -> Option<Uri> {
    let (scheme, authority) = (place.scheme_str()?, place.authority()?);
    let whole = if target.contains("://") {
        target.to_owned()
    } else if let Some(rest) = target.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if target.starts_with('/') {
        format!("{scheme}://{authority}{target}")
    } else {
        let folder = place
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{target}")
    };
    address(&whole).ok()
}

/// One call to one server; only the hub itself gets the token.
fn call(hub: &Hub, wish: &Wish, place: &Uri, is_home: bool) -> Result<Response<Body>, Ended> {
    let (scheme, host, _) = origin(place);
    let proxy = hub.proxies.of(&scheme, &host);
    let proxy = proxy.map(|proxy| Proxy::new(&proxy.0)).transpose();
    let proxy = proxy.map_err(|_| connect("the proxy's address is none".to_owned()))?;
    let silence = hub.patience.silence;
    let agent: Agent = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(proxy)
        .user_agent(concat!("fresco-studio/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(silence.min(LONGEST_CALL)))
        .timeout_recv_response(Some(silence))
        .timeout_per_read(Some(silence))
        .build()
        .into();
    // A compressed answer could not be gone on with in the middle.
    let mut request = agent.get(place).header("accept-encoding", "identity");
    if let Some(token) = hub.token.as_ref().filter(|_| is_home) {
        request = request.header("authorization", format!("Bearer {}", token.0));
    }
    if wish.from > 0 {
        request = request.header("range", format!("bytes={}-", wish.from));
        if let Some(validator) = &wish.validator {
            request = request.header("if-range", validator);
        }
    }
    request.call().map_err(failure)
}

fn failure(error: ureq::Error) -> Ended {
    use ureq::Error;
    match error {
        Error::Http(_) | Error::BadUri(_) | Error::InvalidProxyUrl | Error::Tls(_) => {
            connect(error.to_string())
        }
        Error::Rustls(_) | Error::Pem(_) => connect(error.to_string()),
        other => Ended::again(&other.to_string()),
    }
}

fn head(response: &Response<Body>, linked: Linked) -> Head {
    let headers = response.headers();
    let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
    let range = text(headers, "content-range").filter(|_| is_part);
    let (starts_at, total) = match range.and_then(content_range) {
        Some((starts_at, total)) => (starts_at, total),
        // Not what was asked for, whatever it is.
        None if is_part => (u64::MAX, None),
        None => (0, number(headers, "content-length")),
    };
    let validator = text(headers, "etag").filter(|etag| etag.starts_with('"'));
    let retry_after = number(headers, "retry-after").map(Duration::from_secs);
    Head {
        status: response.status().as_u16(),
        starts_at,
        total,
        validator: validator.map(ToOwned::to_owned),
        linked_bytes: linked.bytes,
        sha256: linked.sha256,
        retry_after,
    }
}

/// `bytes 100-199/200` → 100 and 200.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}

/// A tag that is a SHA-256, as the hub gives to large files.
fn hash(headers: &HeaderMap, name: &str) -> Option<String> {
    let tag = text(headers, name)?.trim_matches('"');
    let is_hash = tag.len() == 64 && tag.chars().all(|c| c.is_ascii_hexdigit());
    is_hash.then(|| tag.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_joined_to_the_place_they_stand_in() {
        let place: Uri = "https://hub.example:8443/a/b?c".parse().unwrap();
        let join = |target| join(&place, target).map(|uri| uri.to_string());
        let wanted = "https://hub.example:8443/x";
        assert_eq!(join("/x").as_deref(), Some(wanted));
        assert_eq!(join("x").as_deref(), Some("https://hub.example:8443/a/x"));
        assert_eq!(join("//other/x").as_deref(), Some("https://other/x"));
        assert_eq!(join("http://other/x").as_deref(), Some("http://other/x"));
        assert_eq!(join("file:///x"), None);
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        let origin = |text: &str| origin(&text.parse().unwrap());
        assert_eq!(origin("https://Hub/a"), origin("https://hub:443/b"));
        for other in ["http://hub", "https://hub:444", "https://hub.evil"] {
            assert_ne!(origin("https://hub"), origin(other), "{other}");
        }
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0, None)));
        for wrong in ["bytes */200", "100-199/200", "bytes -5/2", ""] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }
}
