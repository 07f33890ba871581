//! Reads and writes one small file so that nobody ever sees half of it.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

/// An unfinished file of this age was left by a process that was killed.
const STALE: Duration = Duration::from_secs(60);
/// The ending of a file that cannot be used.
const BROKEN: &str = ".broken";
/// The ending of a file that is not whole yet.
const UNFINISHED: &str = ".tmp";

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum NotRead {
    /// A symbolic link, a directory, a pipe.
    NotAFile,
    TooBig,
    /// The system does not permit it.
    Denied(io::Error),
    Failed(io::Error),
}

impl From<io::Error> for NotRead {
    fn from(error: io::Error) -> NotRead {
        if error.kind() == io::ErrorKind::PermissionDenied {
            NotRead::Denied(error)
        } else {
            NotRead::Failed(error)
        }
    }
}

/// The whole content of the file, at most `longest` bytes; `None` without
/// a file.
pub(super) fn read(path: &Path, longest: usize) -> Result<Option<Vec<u8>>, NotRead> {
    /// Others may replace the file while it is opened, but not for ever.
    const TRIES: usize = 16;
    for _ in 0..TRIES {
        let Some(seen) = look(path)? else { return Ok(None) };
        if seen.len() > longest as u64 {
            return Err(NotRead::TooBig);
        }
        let file = match File::open(path) {
            Ok(file) => file,
            // Another process has set it aside since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // If the file is another than the one examined, a link was followed.
        if is_same(&seen, &file.metadata().map_err(NotRead::Failed)?) {
            return take(file, longest).map(Some);
        }
    }
    Err(NotRead::Failed(io::ErrorKind::ResourceBusy.into()))
}

/// The metadata at `path`, if a regular file is there; links are not followed.
fn look(path: &Path) -> Result<Option<Metadata>, NotRead> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(metadata)),
        Ok(_) => Err(NotRead::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // The directory does not permit the look: to set the file aside would not
        // help.
        Err(error) => Err(NotRead::Failed(error)),
    }
}

#[cfg(unix)]
fn is_same(seen: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}

fn take(file: File, longest: usize) -> Result<Vec<u8>, NotRead> {
    let mut bytes = Vec::new();
    file.take(longest as u64 + 1).read_to_end(&mut bytes).map_err(NotRead::Failed)?;
    if bytes.len() > longest { Err(NotRead::TooBig) } else { Ok(bytes) }
}

/// Replaces the content of the file by `bytes`: a reader sees all of
/// the old or all of the new, after a crash too.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, &format!("{}-{:016x}{UNFINISHED}", process::id(), random()));
    let mut options = OpenOptions::new();
    // A new file: anything that is there already, a link for instance, is an error.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    let renamed = written.and_then(|()| fs::rename(&unfinished, path));
    if renamed.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    renamed?;
    sync_directory(path);
    Ok(())
}

/// Puts the rename on disk, too, where the system can do that. The
/// file is whole without.
fn sync_directory(path: &Path) {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Renames the file, so that a new one can begin.
pub(super) fn set_aside(path: &Path) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(BROKEN);
    fs::rename(path, PathBuf::from(aside))
}

/// Removes files that killed processes left beside the file.
pub(super) fn sweep(path: &Path) {
    let prefix = beside(path, "");
    let (Some(directory), Some(prefix)) = (path.parent(), prefix.file_name()) else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let (name, prefix) = (name.as_encoded_bytes(), prefix.as_encoded_bytes());
        if name.starts_with(prefix) && name.ends_with(UNFINISHED.as_bytes()) && is_stale(&entry) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_stale(entry: &fs::DirEntry) -> bool {
    let modified = entry.metadata().ok().filter(Metadata::is_file).and_then(|entry| entry.modified().ok());
    let age = modified.and_then(|modified| SystemTime::now().duration_since(modified).ok());
    age.is_some_and(|age| age >= STALE)
}

/// A hidden file in the same directory, named after the file.
fn beside(path: &Path, rest: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".");
    name.push(rest);
    path.with_file_name(name)
}

fn random() -> u64 {
    RandomState::new().hash_one(0u8)
}
