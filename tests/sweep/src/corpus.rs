//! The programs that are swept, one theme a file.
//!
//! Before: `parts.rs`, what they are made of. Each is a function that makes a future, and a name.

mod admission;
mod cancels;
mod combinators;
mod depth;
mod drops;
mod failures;
mod groups;
mod grown;
mod joins;
mod net;
mod oracle;
mod panics;
mod parts;
mod regions;
mod resources;
mod results;
mod scopes;
mod time;
mod timeouts;

use crate::{Form, Program};

/// Programs that are grown from a seed.
const GROWN: u64 = 110;

/// The programs of a form: the deep one has all that the oracle has recorded.
///
/// # Panics
///
/// If the oracle's cases cannot be read: they are looked for where the crate was built.
#[must_use]
pub fn programs(form: Form) -> Vec<Program> {
    let mut programs = Vec::new();
    programs.extend(groups::programs());
    programs.extend(failures::programs());
    programs.extend(panics::programs());
    programs.extend(cancels::programs());
    programs.extend(timeouts::programs());
    programs.extend(joins::programs());
    programs.extend(combinators::programs());
    programs.extend(regions::programs());
    programs.extend(resources::programs());
    programs.extend(scopes::programs());
    programs.extend(admission::programs());
    programs.extend(results::programs());
    programs.extend(time::programs());
    programs.extend(drops::programs());
    programs.extend(depth::programs());
    programs.extend(net::programs());
    programs.extend((0..GROWN).map(grown::program));
    programs.extend(oracle::programs(form));
    programs
}
