//! A store in a small JSON file.

mod book;
mod disk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use self::book::{Book, Unusable};
use super::{IntervalStore, PathKey, StoreError};
use crate::keeper::{Learned, Recalled};
use crate::{Invalid, StoreFault};

/// One file operation at a time in this process, whatever the file: operations are
/// rare and short.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Remembers in a JSON file, so that the next run of the program begins where
/// this one ended. Feature `json-store`.
///
/// The file keeps 64 networks and 8 endpoints on each, the oldest out, in at most
/// 256 KiB. It holds no names of networks and endpoints, only
/// salted hashes of them. Whoever has the file and guesses a name can find
/// out whether it is there, so treat the file as you would a history. It holds
/// no other secret.
///
/// - New content is written to a file beside this one, synced, and renamed over it,
///   readable by its owner alone: a crash or a kill leaves the old file or the new
///   one. A later run removes files that a kill left beside it.
/// - Several connections and processes may share one file. Each reads before
///   it writes; of two that write within the same instant, the last one's
///   lesson about its own path stays, and the other is stored again within a day.
/// - A file that cannot be used (it makes no sense, is too big, may not be
///   read) is renamed to `….broken`, in place of an earlier one of that
///   name, told as [`StoreFault::Broken`], and begun anew. Where it cannot
///   be renamed, or is no file at all but a symbolic link or a directory, it
///   is left alone and nothing is remembered. The same goes for a file that a
///   newer version wrote.
/// - The system's clock gives the ages. A time in the future counts as now, whether
///   the clock is wrong now or was wrong when the time was written.
///
/// The directory must exist.
///
/// ```no_run
/// use longlink::JsonFile;
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let store = JsonFile::new("/var/cache/weather/longlink.json")?;
/// // … ResilientConnection::builder(transport).interval_store(store) …
/// # Ok(())
/// # }
/// ```
pub struct JsonFile {
    path: PathBuf,
    /// Files that kills left beside the file were removed.
    swept: AtomicBool,
}

impl JsonFile {
    /// The longest file that is read: 256 KiB, which holds the fullest one.
    pub const LONGEST: usize = 256 * 1024;

    /// A store in the file at `path`, which need not exist yet. A relative
    /// path counts from the present working directory, for good. The file is not
    /// read or written before the first call.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `json_file.path`: no path of a file.
    pub fn new(path: impl AsRef<Path>) -> Result<JsonFile, Invalid> {
        let refuse = |why| Invalid::new("json_file.path", why);
        let path = std::path::absolute(path).map_err(|_| refuse("not a path"))?;
        if path.file_name().is_none() {
            return Err(refuse("must end with the name of a file"));
        }
        Ok(JsonFile { path, swept: AtomicBool::new(false) })
    }

    /// The content of the file; empty where there is no file.
    ///
    /// # Errors
    ///
    /// The file cannot be read or cannot be used; the fault says which, and whether the
    /// file was set aside.
    fn load(&self) -> Result<Book, StoreError> {
        let bytes = match disk::read(&self.path, JsonFile::LONGEST) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Book::new()),
            Err(disk::NotRead::NotAFile) => {
                let fault = StoreFault::Broken { set_aside: false };
                return Err(StoreError::new(fault).with_source("not a regular file"));
            }
            Err(disk::NotRead::TooBig) => return Err(self.set_aside("too big")),
            Err(disk::NotRead::Denied(error)) => return Err(self.set_aside(error)),
            Err(disk::NotRead::Failed(error)) => return Err(StoreError::not_read(error)),
        };
        Book::decode(&bytes).map_err(|unusable| match unusable {
            Unusable::Newer => StoreError::new(StoreFault::Broken { set_aside: false })
                .with_source("a newer version wrote it"),
            Unusable::Nonsense(error) => self.set_aside(error),
        })
    }

    fn set_aside(&self, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
        let set_aside = disk::set_aside(&self.path).is_ok();
        StoreError::new(StoreFault::Broken { set_aside }).with_source(why)
    }

    fn remember_at(&self, path: &PathKey, learned: &Learned, now: u64) -> Result<(), StoreError> {
        if let Err(invalid) = learned.check() {
            return Err(StoreError::new(StoreFault::Refused).with_source(invalid));
        }
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut book, trouble) = match self.load() {
            Ok(book) => (book, None),
            Err(error) if error.fault() == StoreFault::Broken { set_aside: true } => {
                (Book::new(), Some(error))
            }
            Err(error) => return Err(error),
        };
        if !self.swept.swap(true, Ordering::Relaxed) {
            disk::sweep(&self.path);
        }
        book.remember(path, learned, now);
        disk::write(&self.path, &book.encode()).map_err(StoreError::not_written)?;
        trouble.map_or(Ok(()), Err)
    }

    fn recall_at(&self, path: &PathKey, now: u64) -> Result<Option<Recalled>, StoreError> {
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.load()?.recall(path, now))
    }
}

impl IntervalStore for JsonFile {
    fn recall(&self, path: &PathKey) -> Result<Option<Recalled>, StoreError> {
        self.recall_at(path, now())
    }

    /// As the trait says. If a broken file was set aside, and `learned` written
    /// to a new one, the error is [`StoreFault::Broken`] with
    /// `set_aside`.
    fn remember(&self, path: &PathKey, learned: &Learned) -> Result<(), StoreError> {
        self.remember_at(path, learned, now())
    }
}

impl fmt::Debug for JsonFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Seconds since 1970; a clock that stands before shows 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
