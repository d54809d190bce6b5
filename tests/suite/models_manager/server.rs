//! A server on this machine that does what a test tells it to, one call after another.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

/// What servers call the state of the one file that they have.
pub const TAG: &str = "\"one\"";

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Method and target.
    pub line: String,
    /// Headers by lowercase names.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// The server; it ends when it is dropped.
pub struct Server {
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that answers the first call with 0, and so on.
    pub fn start(mut answer: impl FnMut(usize, &Asked, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, ends) = (
            Arc::<Mutex<Vec<Asked>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (seen, stops) = (Arc::clone(&asked), Arc::clone(&ends));
        let serve = move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                if stops.load(Ordering::SeqCst) {
                    return;
                }
                let Some(request) = read(&stream) else {
                    continue;
                };
                let nth = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request.clone());
                answer(nth, &request, &mut stream);
                // What the other side still sends must not turn the answer into a reset.
                if !HANGS.take() {
                    let _ = stream.shutdown(std::net::Shutdown::Write);
                }
            }
        };
        Self {
            address: format!("http://{address}"),
            asked,
            ends,
            thread: Some(Builder::new().spawn(serve).unwrap()),
        }
    }

    /// Starts a server that has one file, sends `most` bytes of it to who asks first, and says nothing more then.
    pub fn that_hangs_once(file: &[u8], most: usize) -> Self {
        let file = file.to_owned();
        Self::start(move |nth, asked, stream| {
            let is_first = nth == 0;
            let most = if is_first { most } else { usize::MAX };
            serve(asked, stream, &file, TAG, most);
            if is_first {
                hang(stream);
            }
        })
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut asked = Asked {
        line: lines.next()?,
        ..Asked::default()
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.trim().to_owned();
        asked.headers.insert(name.to_lowercase(), value);
    }
    Some(asked)
}

/// Sends an answer with these lines in its head.
pub fn send(stream: &mut TcpStream, status: u16, head: &[String], body: &[u8]) {
    let first = format!("HTTP/1.1 {status} Word");
    let lines = [&[first, "Connection: close".to_owned()], head].concat();
    let head = lines.join("\r\n") + "\r\n\r\n";
    // Whoever hangs up in the middle is no concern of a server.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// An answer without a file.
pub fn refuse(stream: &mut TcpStream, status: u16, head: &[&str]) {
    let mut head: Vec<String> = head.iter().map(|line| (*line).to_owned()).collect();
    head.push("Content-Length: 0".to_owned());
    send(stream, status, &head, b"");
}

/// Sends a file or the part that was asked for, as a server should; at most `most` bytes of it, and then no more.
pub fn serve(asked: &Asked, stream: &mut TcpStream, file: &[u8], tag: &str, most: usize) {
    let from = asked.header("range").map_or(0, |range| {
        let from = range.trim_start_matches("bytes=").trim_end_matches('-');
        from.parse().unwrap()
    });
    let is_same = asked.header("if-range").is_none_or(|wanted| wanted == tag);
    let from = if is_same { from } else { 0 };
    let (status, end) = (if from > 0 { 206 } else { 200 }, file.len());
    let part = &file[from.min(end)..];
    let mut head = vec![
        format!("ETag: {tag}"),
        format!("Content-Length: {}", part.len()),
    ];
    if from > 0 {
        head.push(format!("Content-Range: bytes {from}-{}/{end}", end - 1));
    }
    send(stream, status, &head, &part[..most.min(part.len())]);
}

thread_local! {
    /// Whether the call that was answered last stays open.
    static HANGS: Cell<bool> = const { Cell::new(false) };
}

/// Says nothing more, and leaves the line open.
pub fn hang(stream: &mut TcpStream) {
    std::mem::forget(stream.try_clone().unwrap());
    HANGS.set(true);
}
