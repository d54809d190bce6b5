//! Downloads that end with the file, whatever happens on the way.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fresco_studio::models::download::{
    CheckedBy, DownloadError, Hub, Order, Patience, Receipt, Record, Secret, Step, fetch,
    unfinished,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::server::{Server, TAG, refuse, send, serve};

/// What is downloaded: no byte of it is like its neighbours.
pub fn content() -> Vec<u8> {
    (0..300_000_u32)
        .flat_map(|i| (i * 7919).to_le_bytes())
        .collect()
}

pub fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// A folder for a download, and how it is done.
pub struct Desk {
    pub folder: TempDir,
    pub order: Order,
    pub hub: Hub,
}

impl Desk {
    pub fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let order = Order {
            address: format!("{}/a/b/resolve/main/c.bin", server.address),
            page: format!("{}/a/b", server.address),
            file: folder.path().join("models/c.bin"),
            bytes: None,
            sha256: None,
        };
        let mut hub = Hub::from_variables(|_| None);
        hub.endpoint.clone_from(&server.address);
        hub.token = Some(Secret("secret".to_owned()));
        hub.patience = Patience {
            silence: Duration::from_secs(5),
            tries: 3,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(20),
        };
        Self { folder, order, hub }
    }

    pub fn fetch(&self) -> Result<Receipt, DownloadError> {
        fetch(&self.order, &self.hub, &mut |_| ControlFlow::Continue(()))
    }

    /// Fetches until some bytes are there, and stops then.
    pub fn stop_early(&self) {
        let mut watch = |step| match step {
            Step::Going { done, .. } if done > 0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        let stopped = fetch(&self.order, &self.hub, &mut watch);
        assert!(
            matches!(stopped, Err(DownloadError::Cancelled)),
            "{stopped:?}"
        );
        assert!(!self.order.file.exists());
    }

    pub fn partial(&self) -> PathBuf {
        self.order.file.with_file_name(".partial-c.bin")
    }

    pub fn read(&self) -> Vec<u8> {
        std::fs::read(&self.order.file).unwrap()
    }
}

pub fn names_in(folder: &Path) -> Vec<String> {
    crate::support::names_in(folder)
}

#[test]
fn a_broken_line_is_taken_up_again() {
    let file = content();
    let half = file.len() / 2;
    let server = Server::start({
        let file = file.clone();
        move |nth, asked, stream| {
            let most = if nth < 2 { half / 2 } else { usize::MAX };
            serve(asked, stream, &file, TAG, most);
        }
    });
    let desk = Desk::new(&server);
    let receipt = desk.fetch().unwrap();
    assert!(desk.read() == file);
    assert_eq!(receipt.sha256, sha256(&file));
    assert_eq!(receipt.checked_by, CheckedBy::Nobody);
    let asked = server.asked();
    let ranges: Vec<_> = asked.iter().map(|asked| asked.header("range")).collect();
    let (one, two) = (half / 2, half / 2 * 2);
    let wanted = [
        None,
        Some(format!("bytes={one}-")),
        Some(format!("bytes={two}-")),
    ];
    assert_eq!(ranges, wanted.each_ref().map(Option::as_deref));
    assert_eq!(asked[1].header("if-range"), Some(TAG));
    let record = Record::beside(&desk.order.file).unwrap();
    assert_eq!(
        (record.bytes, record.sha256),
        (receipt.bytes, receipt.sha256)
    );
    let names = names_in(desk.order.file.parent().unwrap());
    assert_eq!(names, ["c.bin", "c.bin.source.toml"]);
}

#[test]
fn a_stopped_download_goes_on_where_it_stopped() {
    let file = content();
    let half = file.len() / 2;
    let server = Server::that_hangs_once(&file, half);
    let desk = Desk::new(&server);
    desk.stop_early();
    let (done, total) = unfinished(&desk.order.file).unwrap();
    assert!(done > 0 && total == Some(file.len() as u64));
    desk.fetch().unwrap();
    assert!(desk.read() == file);
    let range = format!("bytes={done}-");
    assert_eq!(server.asked()[1].header("range"), Some(range.as_str()));
}

#[test]
fn a_file_that_changed_meanwhile_is_taken_whole() {
    let (old, mut new) = (content(), content());
    new.reverse();
    let server = Server::start({
        let new = new.clone();
        move |nth, asked, stream| match nth {
            0 => serve(asked, stream, &old, TAG, old.len() / 2),
            _ => serve(asked, stream, &new, "\"two\"", usize::MAX),
        }
    });
    let desk = Desk::new(&server);
    desk.fetch().unwrap();
    assert!(desk.read() == new);
}

#[test]
fn servers_without_ranges_send_everything_again() {
    let file = content();
    for odd in ["whole", "other part", "refused"] {
        let server = Server::start({
            let file = file.clone();
            move |nth, asked, stream| {
                let whole = asked.header("range").is_none();
                let length = format!("Content-Length: {}", file.len());
                match (nth, odd) {
                    (0, _) => serve(asked, stream, &file, TAG, 1000),
                    (_, "whole") => send(stream, 200, &[length], &file),
                    (_, _) if whole => serve(asked, stream, &file, TAG, usize::MAX),
                    (_, "other part") => {
                        let range =
                            format!("Content-Range: bytes 7-{}/{}", file.len() - 1, file.len());
                        send(stream, 206, &[range], &file[7..]);
                    }
                    _ => refuse(stream, 416, &[]),
                }
            }
        });
        let desk = Desk::new(&server);
        desk.fetch()
            .unwrap_or_else(|error| panic!("{odd}: {error}"));
        assert!(desk.read() == file, "{odd}");
    }
}

#[test]
fn the_token_reaches_the_hub_and_nobody_else() {
    let file = content();
    let store = Server::start({
        let file = file.clone();
        move |nth, asked, stream| {
            let most = if nth == 0 { 1000 } else { usize::MAX };
            serve(asked, stream, &file, TAG, most);
        }
    });
    let (place, hash) = (store.address.clone(), sha256(&file));
    let n_bytes = file.len();
    let hub = Server::start(move |_, asked, stream| {
        let linked = [
            format!("X-Linked-Size: {n_bytes}"),
            format!("X-Linked-ETag: \"{hash}\""),
        ];
        let to = if asked.line.contains("/moved/") {
            format!("Location: {place}/blob")
        } else {
            "Location: /moved/c.bin".to_owned()
        };
        let head = [&linked[..], &[to, "Content-Length: 0".to_owned()]].concat();
        send(stream, 302, &head, b"");
    });
    let desk = Desk::new(&hub);
    let receipt = desk.fetch().unwrap();
    assert!(desk.read() == file);
    assert_eq!(receipt.checked_by, CheckedBy::Hub);
    let tokens = |server: &Server| -> Vec<Option<String>> {
        let asked = server.asked();
        let token =
            |asked: &super::server::Asked| asked.header("authorization").map(ToOwned::to_owned);
        asked.iter().map(token).collect()
    };
    assert_eq!(tokens(&hub), vec![Some("Bearer secret".to_owned()); 4]);
    assert_eq!(tokens(&store), [None, None]);
}

#[test]
fn a_server_that_asks_to_wait_is_asked_again() {
    let file = content();
    let server = Server::start({
        let file = file.clone();
        move |nth, asked, stream| match nth {
            0 => refuse(stream, 429, &["Retry-After: 3600"]),
            1 => refuse(stream, 503, &[]),
            _ => serve(asked, stream, &file, TAG, usize::MAX),
        }
    });
    let desk = Desk::new(&server);
    let mut said = Vec::new();
    let mut watch = |step| {
        if let Step::Waiting { pause, reason } = step {
            said.push((pause, reason));
        }
        ControlFlow::Continue(())
    };
    fetch(&desk.order, &desk.hub, &mut watch).unwrap();
    assert_eq!(said.len(), 2);
    // However long it asks to wait, there is a longest pause.
    assert_eq!(said[0].0, desk.hub.patience.longest_pause);
    assert!(
        said[0].1.contains("asks to wait") && said[1].1.contains("503"),
        "{said:?}"
    );
}

#[test]
fn spoilt_beginnings_are_fetched_again() {
    let file = content();
    let server = Server::that_hangs_once(&file, file.len() / 2);
    let mut desk = Desk::new(&server);
    desk.order.sha256 = Some(sha256(&file));
    desk.stop_early();
    let mut spoilt = std::fs::read(desk.partial()).unwrap();
    spoilt[0] ^= 1;
    std::fs::write(desk.partial(), spoilt).unwrap();
    let receipt = desk.fetch().unwrap();
    assert_eq!(receipt.checked_by, CheckedBy::Catalogue);
    assert!(desk.read() == file);
    let ranges: Vec<bool> = server
        .asked()
        .iter()
        .map(|asked| asked.header("range").is_some())
        .collect();
    assert_eq!(ranges, [false, true, false]);
}

#[test]
fn proxies_are_asked_where_they_are_meant() {
    let file = content();
    let server = Server::start({
        let file = file.clone();
        move |_, asked, stream| serve(asked, stream, &file, TAG, usize::MAX)
    });
    let to = server.address.trim_start_matches("http://").to_owned();
    let proxy = Server::start(move |_, _, stream| {
        let mut there = std::net::TcpStream::connect(&to).unwrap();
        send(stream, 200, &[], b"");
        let mut request = stream.try_clone().unwrap();
        let mut up = there.try_clone().unwrap();
        let copy = move || drop(std::io::copy(&mut request, &mut up));
        std::thread::Builder::new().spawn(copy).unwrap();
        let _ = std::io::copy(&mut there, stream);
    });
    let mut desk = Desk::new(&server);
    desk.hub.proxies.http = Some(Secret(proxy.address.clone()));
    desk.fetch().unwrap();
    assert!(desk.read() == file);
    assert_eq!(proxy.asked().len(), 1, "{:?}", proxy.asked());
    desk.hub.proxies.bypass = vec!["127.0.0.1".to_owned()];
    desk.fetch().unwrap();
    assert_eq!((proxy.asked().len(), server.asked().len()), (1, 2));
}
