//! The cases as values.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::Bench;
use super::verdict::Verdict;
use super::{beats, cuts, dialling, dropping, epochs, goodbyes, order, pressure, sizes, waking};

type CaseFuture = Pin<Box<dyn Future<Output = Verdict>>>;

/// One case of the suite: one promise of [`Transport`] and [`Link`], by name.
///
/// [`run`] runs a case on a bench. Later versions may add cases.
///
/// [`Transport`]: crate::transport::Transport
/// [`Link`]: crate::transport::Link
/// [`run`]: super::run
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Case(Name);

/// Makes the names, the list and the dispatch of the cases.
macro_rules! define_cases {
    (() $($module:ident: $($case:ident),+;)+) => {
        /// The variants are the names of the functions.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        enum Name {
            $($($case),+),+
        }

        impl Case {
            /// All cases. The order is fixed within a version.
            ///
            /// [`run`](super::run) over all of them lists the cases that do not
            /// apply to a bench.
            pub const ALL: &'static [Case] = &[$($(Case(Name::$case)),+),+];

            /// The name of the case, a sentence in `snake_case`. [`tests!`](super::tests)
            /// gives the same name to the test.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($(Name::$case => stringify!($case)),+),+
                }
            }

            /// Plays the case on `bench`.
            pub(super) fn play<B: Bench>(self, bench: Arc<B>) -> CaseFuture {
                match self.0 {
                    $($(Name::$case => Box::pin($module::$case(bench))),+),+
                }
            }
        }
    };
}

crate::__conformance_cases!({ define_cases }());

impl Case {
    /// The case with this name; `None` if the suite has no such case.
    pub fn named(name: &str) -> Option<Case> {
        Case::ALL.iter().copied().find(|case| case.name() == name)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_found_by_its_name() {
        for case in Case::ALL {
            assert_eq!(Case::named(case.name()), Some(*case));
        }
        assert_eq!(Case::named("a_link_flies"), None);
        assert_eq!(format!("{:?}", Case::ALL[0]), "Case(messages_keep_their_order_to_the_server)");
    }
}
