//! Limits of what is read from one work tree, index or revision.
//!
//! Each file has a limit of its own. Without a limit for all of them together, a change with many
//! files, or with small git objects that expand to an endless tree, could exhaust the memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};

use crate::problem::FileProblemKind;

/// Limits of one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceLimits {
    /// Maximum total size of the files and policy packs that are read, in bytes.
    pub(crate) bytes: usize,
    /// Maximum number of files and folders in one listing or policy pack. Ten trees that reference
    /// each other ten times contain more names than any disk.
    pub(crate) entries: usize,
}

impl SourceLimits {
    /// The limits of every work tree, index and revision.
    pub(crate) const DEFAULT: Self = Self {
        bytes: 512 << 20,
        entries: 200_000,
    };
}

/// The limits of a source, and the sizes of what was read from it.
#[derive(Debug)]
pub(crate) struct ReadBudget {
    limits: SourceLimits,
    used: Mutex<UsedBytes>,
}

#[derive(Debug, Default)]
struct UsedBytes {
    total: usize,
    /// Sizes by path. A file that is read again counts once.
    sizes: HashMap<Utf8PathBuf, usize>,
}

impl ReadBudget {
    pub(crate) fn new(limits: SourceLimits) -> Self {
        Self {
            limits,
            used: Mutex::default(),
        }
    }

    pub(crate) fn limits(&self) -> SourceLimits {
        self.limits
    }

    /// Counts a file or policy pack that was read.
    ///
    /// # Errors
    /// Everything that was read exceeds the limit together.
    pub(crate) fn add(&self, path: &Utf8Path, bytes: usize) -> Result<(), FileProblemKind> {
        let mut used = self.used();
        let known = used.sizes.get(path).copied().unwrap_or_default();
        if bytes > known {
            used.total = used.total.saturating_add(bytes - known);
            used.sizes.insert(path.to_owned(), bytes);
        }
        self.check_total(used.total)
    }

    /// Checks before a read that the limit is not exceeded yet. Otherwise each further file would be
    /// read in vain.
    ///
    /// # Errors
    /// Everything that was read exceeds the limit together.
    pub(crate) fn check(&self) -> Result<(), FileProblemKind> {
        self.check_total(self.used().total)
    }

    fn check_total(&self, total: usize) -> Result<(), FileProblemKind> {
        if total > self.limits.bytes {
            return Err(FileProblemKind::TotalTooLarge(self.limits.bytes));
        }
        Ok(())
    }

    fn used(&self) -> MutexGuard<'_, UsedBytes> {
        // A thread that panicked left at most one file uncounted.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self::new(SourceLimits::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_once_with_its_largest_size() {
        let budget = ReadBudget::new(SourceLimits {
            bytes: 10,
            entries: 1,
        });
        for (path, bytes) in [("a", 4), ("a", 4), ("a", 5), ("a", 1), ("b", 5)] {
            assert_eq!(budget.add(path.into(), bytes), Ok(()), "{path} {bytes}");
        }
        assert_eq!(budget.check(), Ok(()));
        let exceeded = Err(FileProblemKind::TotalTooLarge(10));
        assert_eq!(budget.add("c".into(), 1), exceeded);
        assert_eq!(budget.add("d".into(), usize::MAX), exceeded);
        assert_eq!(budget.check(), exceeded);
    }
}
