//! The structure of a PyTorch file, before its reader builds anything from it.
//!
//! A reader keeps an object of some tens of bytes for each byte of a pickle, and a zip archive can claim any size: so
//! pickles are skipped through first, without building anything, and must be as short as real ones; and archives must
//! hold what PyTorch writes, entries that are not compressed.
//!
//! Source: the `pickletools` of Python for the arguments of opcodes; the zip format's description, APPNOTE 4.3.

use std::io::{BufRead, Read, Seek, SeekFrom};

use super::Fault;

/// Longest description of tensors that is read; those of real helper networks have about 0.1 MB.
const LONGEST: u64 = 4 << 20;

/// Pickles in a file of the older container: a magic number, a version, facts about the machine, the tensors, and the
/// order of their values.
const LEGACY_PICKLES: usize = 5;

/// What the older container begins with, as a number in a pickle.
const LEGACY_MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// Checks the structure of a PyTorch file of `length` bytes.
///
/// # Errors
/// The first [`Fault`] found.
pub fn check_pickle(mut file: impl BufRead + Seek, length: u64) -> Result<(), Fault> {
    if length == 0 {
        return Err(Fault::Empty);
    }
    let mut start = Vec::new();
    file.by_ref().take(64).read_to_end(&mut start)?;
    if start.starts_with(b"PK") {
        return check_archive(&mut file, length);
    }
    let is_legacy = start
        .windows(LEGACY_MAGIC.len())
        .any(|window| window == LEGACY_MAGIC);
    if !is_legacy {
        return Err(Fault::NoContainer);
    }
    file.seek(SeekFrom::Start(0))?;
    let mut left = file.take(LONGEST);
    for _ in 0..LEGACY_PICKLES {
        skip_pickle(&mut left)?;
    }
    Ok(())
}

/// Reads past one pickle.
fn skip_pickle(file: &mut std::io::Take<impl BufRead>) -> Result<(), Fault> {
    loop {
        match byte(file)? {
            b'.' => return Ok(()),
            code => skip_argument(code, file)?,
        }
    }
}

fn skip_argument(code: u8, file: &mut std::io::Take<impl BufRead>) -> Result<(), Fault> {
    let n_bytes = match code {
        b'K' | b'h' | b'q' | 0x80 | 0x82 => 1,
        b'M' | 0x83 => 2,
        b'J' | b'j' | b'r' | 0x84 => 4,
        b'G' | 0x95 => 8,
        b'U' | b'C' | 0x8a | 0x8c => number(file, 1)?,
        b'T' | b'X' | b'B' | 0x8b => number(file, 4)?,
        0x8d | 0x8e | 0x96 => number(file, 8)?,
        b'I' | b'L' | b'F' | b'S' | b'V' | b'g' | b'p' | b'P' => return skip_lines(1, file),
        b'c' | b'i' => return skip_lines(2, file),
        b'('
        | b'0'
        | b'1'
        | b'2'
        | b'N'
        | b'R'
        | b'b'
        | b'd'
        | b'l'
        | b't'
        | b's'
        | b'a'
        | b')'
        | b']'
        | b'}'
        | b'e'
        | b'u'
        | b'o'
        | b'Q'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=0x94
        | 0x97
        | 0x98 => 0,
        _ => return Err(Fault::Pickle),
    };
    skip(n_bytes, file)
}

fn byte(file: &mut std::io::Take<impl BufRead>) -> Result<u8, Fault> {
    let mut byte = [0];
    match file.read(&mut byte)? {
        0 => Err(too_short(file)),
        _ => Ok(byte[0]),
    }
}

/// A length of some bytes, the lowest first.
fn number(file: &mut std::io::Take<impl BufRead>, n_bytes: u32) -> Result<u64, Fault> {
    let mut value = 0;
    for place in 0..n_bytes {
        value |= u64::from(byte(file)?) << (8 * place);
    }
    Ok(value)
}

fn skip(n_bytes: u64, file: &mut std::io::Take<impl BufRead>) -> Result<(), Fault> {
    let skipped = std::io::copy(&mut file.by_ref().take(n_bytes), &mut std::io::sink())?;
    if skipped < n_bytes {
        return Err(too_short(file));
    }
    Ok(())
}

fn skip_lines(n: usize, file: &mut std::io::Take<impl BufRead>) -> Result<(), Fault> {
    for _ in 0..n {
        while byte(file)? != b'\n' {}
    }
    Ok(())
}

/// Either the file ended, or what may be read of it.
fn too_short(file: &std::io::Take<impl BufRead>) -> Fault {
    if file.limit() == 0 {
        Fault::PickleTooLong(LONGEST)
    } else {
        Fault::Pickle
    }
}

/// Where the list of an archive's entries is.
struct Directory {
    start: u64,
    n_bytes: u64,
    n_entries: u64,
}

/// Bytes of the fixed part of an entry in the list.
const ENTRY: usize = 46;
/// Bytes of the record at the end of an archive, without its comment.
const END: usize = 22;
/// Bytes of the record that tells where the long form of the end is.
const LOCATOR: usize = 20;
/// Bytes of the long form of the end that are read.
const LONG_END: usize = 56;

fn check_archive(file: &mut (impl BufRead + Seek), length: u64) -> Result<(), Fault> {
    let directory = directory(file, length)?;
    let end = directory.start.checked_add(directory.n_bytes);
    if end.is_none_or(|end| end > length) || directory.n_entries > length / ENTRY as u64 {
        return Err(Fault::Entries);
    }
    file.seek(SeekFrom::Start(directory.start))?;
    let mut list = file.take(directory.n_bytes);
    let mut claimed = 0_u64;
    for _ in 0..directory.n_entries {
        let (name, n_bytes) = entry(&mut list)?;
        claimed = claimed.saturating_add(n_bytes);
        if claimed > length {
            return Err(Fault::Claims(claimed));
        }
        if name.ends_with("data.pkl") && n_bytes > LONGEST {
            return Err(Fault::PickleTooLong(LONGEST));
        }
    }
    Ok(())
}

/// Reads an entry of the list: its name and size.
fn entry(list: &mut impl Read) -> Result<(String, u64), Fault> {
    let fixed: [u8; ENTRY] = take(list)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(Fault::Entries);
    }
    let mut read = |n_bytes: u64| {
        let mut bytes = Vec::new();
        let n_read = list.by_ref().take(n_bytes).read_to_end(&mut bytes)? as u64;
        if n_read < n_bytes {
            return Err(Fault::Entries);
        }
        Ok(bytes)
    };
    let name = String::from_utf8_lossy(&read(at(&fixed, 28, 2))?).into_owned();
    let extra = read(at(&fixed, 30, 2))?;
    read(at(&fixed, 32, 2))?;
    let (packed, unpacked) = (at(&fixed, 20, 4), at(&fixed, 24, 4));
    let mut long = long_sizes(&extra).into_iter();
    let mut full = |short: u64| {
        if short == u64::from(u32::MAX) {
            long.next().ok_or(Fault::Entries)
        } else {
            Ok(short)
        }
    };
    let (unpacked, packed) = (full(unpacked)?, full(packed)?);
    let method = at(&fixed, 10, 2);
    if method != 0 || packed != unpacked {
        return Err(Fault::Compressed(name));
    }
    Ok((name, unpacked))
}

/// The sizes that do not fit into four bytes, which an entry has in an extra field.
fn long_sizes(mut extra: &[u8]) -> Vec<u64> {
    const FIELD: u64 = 1;
    while extra.len() >= 4 {
        let (kind, n_bytes) = (at(extra, 0, 2), at(extra, 2, 2) as usize);
        let rest = &extra[4..];
        let field = &rest[..n_bytes.min(rest.len())];
        if kind == FIELD {
            let sizes = field.chunks_exact(8).take(2);
            return sizes.map(|size| at(size, 0, 8)).collect();
        }
        extra = &rest[field.len()..];
    }
    Vec::new()
}

/// Finds the record at the end of an archive, after which only a comment may be.
fn directory(file: &mut (impl Read + Seek), length: u64) -> Result<Directory, Fault> {
    let window = length.min((END + LOCATOR + usize::from(u16::MAX)) as u64);
    file.seek(SeekFrom::Start(length - window))?;
    let mut tail = Vec::new();
    file.by_ref().take(window).read_to_end(&mut tail)?;
    let end = tail
        .windows(END)
        .rposition(|window| window.starts_with(b"PK\x05\x06"))
        .ok_or(Fault::Entries)?;
    let record = &tail[end..];
    let short = Directory {
        n_entries: at(record, 10, 2),
        n_bytes: at(record, 12, 4),
        start: at(record, 16, 4),
    };
    let is_long = short.n_entries == u64::from(u16::MAX)
        || short.n_bytes == u64::from(u32::MAX)
        || short.start == u64::from(u32::MAX);
    if !is_long {
        return Ok(short);
    }
    let locator = end.checked_sub(LOCATOR).map(|start| &tail[start..end]);
    let locator = locator
        .filter(|locator| locator.starts_with(b"PK\x06\x07"))
        .ok_or(Fault::Entries)?;
    let place = at(locator, 8, 8);
    if place > length {
        return Err(Fault::Entries);
    }
    file.seek(SeekFrom::Start(place))?;
    let record: [u8; LONG_END] = take(file)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(Fault::Entries);
    }
    Ok(Directory {
        n_entries: at(&record, 32, 8),
        n_bytes: at(&record, 40, 8),
        start: at(&record, 48, 8),
    })
}

fn take<const N: usize>(file: &mut impl Read) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map_err(|_| Fault::Entries)?;
    Ok(bytes)
}

/// A number of up to eight bytes, the lowest first; `bytes` must hold it.
fn at(bytes: &[u8], place: usize, n_bytes: usize) -> u64 {
    let bytes = &bytes[place..place + n_bytes];
    bytes
        .iter()
        .rev()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte))
}
