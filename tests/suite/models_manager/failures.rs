//! Downloads that end without the file: each reason is told apart, and nothing that is wrong is kept.

use std::ops::ControlFlow;
use std::time::Duration;

use fresco_studio::models::download::{DownloadError, fetch, unfinished};

use super::downloads::{Desk, content, names_in, sha256};
use super::server::{Server, TAG, hang, refuse, send, serve};

/// A server that sends the whole file.
fn honest() -> (Server, Vec<u8>) {
    let file = content();
    let served = file.clone();
    let serve = move |_, asked: &_, stream: &mut _| serve(asked, stream, &served, TAG, usize::MAX);
    (Server::start(serve), file)
}

#[test]
fn refusals_are_told_apart() {
    for (status, words) in [
        (401, "set HF_TOKEN"),
        (403, "accept its conditions"),
        (404, "get it by hand"),
        (451, "HF_ENDPOINT"),
    ] {
        let server = Server::start(move |_, _, stream| refuse(stream, status, &[]));
        let desk = Desk::new(&server);
        let error = desk.fetch().unwrap_err();
        let is_it = match status {
            401 => matches!(error, DownloadError::SignIn { .. }),
            403 => matches!(error, DownloadError::Forbidden { .. }),
            404 => matches!(error, DownloadError::NotFound { .. }),
            _ => matches!(error, DownloadError::Status { status: 451, .. }),
        };
        assert!(is_it, "{status}: {error}");
        assert!(error.to_string().contains(&desk.order.page), "{error}");
        assert!(error.hint().unwrap().contains(words), "{:?}", error.hint());
        assert_eq!(server.asked().len(), 1, "{status}");
        assert!(!desk.order.file.exists());
    }
}

#[test]
fn another_length_is_refused() {
    let (server, file) = honest();
    let mut desk = Desk::new(&server);
    desk.order.bytes = Some(file.len() as u64 + 1);
    let error = desk.fetch().unwrap_err();
    let DownloadError::WrongLength {
        expected, found, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (expected, found),
        (file.len() as u64 + 1, file.len() as u64)
    );
    assert_eq!(server.asked().len(), 1);
    assert_eq!(unfinished(&desk.order.file), None);
}

#[test]
fn more_bytes_than_announced_are_refused() {
    let file = content();
    let server = Server::start(move |_, _, stream| {
        // Without a length the client reads to the end; the hub has told it.
        let head = [format!("X-Linked-Size: {}", file.len() - 1)];
        send(stream, 200, &head, &file);
    });
    let desk = Desk::new(&server);
    let error = desk.fetch().unwrap_err();
    assert!(
        matches!(error, DownloadError::WrongLength { .. }),
        "{error}"
    );
    assert!(!desk.order.file.exists());
}

#[test]
fn another_hash_is_refused_and_nothing_kept() {
    let (server, _) = honest();
    let mut desk = Desk::new(&server);
    desk.order.sha256 = Some(sha256(b"something else"));
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
    assert!(error.to_string().contains("does not match its checksum"));
    assert!(!desk.order.file.exists());
    assert_eq!(std::fs::metadata(desk.partial()).unwrap().len(), 0);
    assert_eq!(unfinished(&desk.order.file), None);
}

#[test]
fn a_hub_that_itself_tells_another_hash_is_not_asked_for_bytes() {
    let hash = sha256(b"newer");
    let server = Server::start(move |_, _, stream| {
        let head = [
            format!("X-Linked-ETag: \"{hash}\""),
            "Content-Length: 4".into(),
        ];
        send(stream, 200, &head, b"newe");
    });
    let mut desk = Desk::new(&server);
    desk.order.sha256 = Some(sha256(b"older"));
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
}

#[test]
fn what_is_no_file_of_weights_is_not_kept() {
    let (server, _) = honest();
    let mut desk = Desk::new(&server);
    desk.order.file = desk.folder.path().join("c.safetensors");
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Damaged { .. }), "{error}");
    assert!(!desk.order.file.exists());
}

#[test]
fn circles_and_odd_targets_are_left() {
    for target in ["/a", "ftp://other/a", ":::"] {
        let server = Server::start(move |_, _, stream| {
            refuse(stream, 302, &[&format!("Location: {target}")]);
        });
        let desk = Desk::new(&server);
        let error = desk.fetch().unwrap_err();
        assert!(
            matches!(error, DownloadError::Redirect { .. }),
            "{target}: {error}"
        );
        assert!(server.asked().len() < 12);
    }
}

#[test]
fn endless_failures_end() {
    let server = Server::start(|_, _, stream| refuse(stream, 500, &[]));
    let desk = Desk::new(&server);
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::GaveUp { .. }), "{error}");
    assert!(error.to_string().contains("500"), "{error}");
    assert_eq!(server.asked().len(), 1 + desk.hub.patience.tries as usize);
}

#[test]
fn silence_is_a_broken_line() {
    let file = content();
    let server = Server::start(move |nth, asked, stream| {
        if nth == 0 {
            serve(asked, stream, &file, TAG, 1000);
        }
        hang(stream);
    });
    let mut desk = Desk::new(&server);
    desk.hub.patience.silence = Duration::from_secs(1);
    desk.hub.patience.tries = 1;
    let error = desk.fetch().unwrap_err();
    let DownloadError::GaveUp { kept, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(kept, 1000);
    assert_eq!(unfinished(&desk.order.file).unwrap().0, kept);
}

#[test]
fn stopping_does_not_wait_for_the_server() {
    let server = Server::start(|_, _, stream| hang(stream));
    let mut desk = Desk::new(&server);
    desk.hub.patience.silence = Duration::from_mins(10);
    let mut n_looks = 0;
    let mut watch = |_| {
        n_looks += 1;
        if n_looks > 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let stopped = fetch(&desk.order, &desk.hub, &mut watch);
    assert!(
        matches!(stopped, Err(DownloadError::Cancelled)),
        "{stopped:?}"
    );
}

#[test]
fn nobody_is_asked_when_offline() {
    let (server, _) = honest();
    let mut desk = Desk::new(&server);
    desk.hub.offline = true;
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Offline { .. }), "{error}");
    assert!(error.hint().unwrap().contains("c.bin"));
    assert!(server.asked().is_empty());
}

#[test]
fn one_file_is_fetched_by_one() {
    let (server, _) = honest();
    let desk = Desk::new(&server);
    let mut second = None;
    let mut watch = |_| {
        second.get_or_insert_with(|| desk.fetch());
        ControlFlow::Continue(())
    };
    fetch(&desk.order, &desk.hub, &mut watch).unwrap();
    assert!(
        matches!(second, Some(Err(DownloadError::Busy(_)))),
        "{second:?}"
    );
}

#[test]
#[cfg(any(unix, windows))]
fn too_little_room_is_told_before_anything_is_asked() {
    let (server, file) = honest();
    let mut desk = Desk::new(&server);
    // More than any disk has.
    desk.order.bytes = Some(1 << 60);
    let error = desk.fetch().unwrap_err();
    let DownloadError::NoRoom { needed, free, .. } = error else {
        panic!("{error}");
    };
    assert!(needed == 1 << 60 && free < needed, "{free}");
    assert!(error.to_string().contains("the disk has"), "{error}");
    assert!(error.hint().unwrap().contains("models folder"));
    assert!(server.asked().is_empty());
    desk.order.bytes = Some(file.len() as u64);
    desk.fetch().unwrap();
}

#[test]
fn too_little_room_is_told_as_soon_as_the_server_says_how_much() {
    let server = Server::start(move |_, _, stream| {
        send(
            stream,
            200,
            &[format!("X-Linked-Size: {}", 1_u64 << 60)],
            b"more to come",
        );
    });
    let desk = Desk::new(&server);
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::NoRoom { .. }), "{error}");
    assert_eq!(server.asked().len(), 1);
    assert_eq!(unfinished(&desk.order.file), None);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let (server, _) = honest();
    let desk = Desk::new(&server);
    std::fs::create_dir_all(desk.order.file.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/dev/full", desk.partial()).unwrap();
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::DiskFull { .. }), "{error}");
    assert!(error.hint().unwrap().contains("disk space"));
}

#[test]
fn folders_that_cannot_be_made_are_told() {
    let (server, _) = honest();
    let desk = Desk::new(&server);
    std::fs::write(desk.folder.path().join("models"), b"a file").unwrap();
    let error = desk.fetch().unwrap_err();
    assert!(matches!(error, DownloadError::Write { .. }), "{error}");
    assert_eq!(names_in(desk.folder.path()), ["models"]);
}
