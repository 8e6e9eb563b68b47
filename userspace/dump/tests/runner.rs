// SPDX-License-Identifier: GPL-2.0
//! Dumps of real file systems, restored by every version of Debian's `restore` that can be had.
//!
//! They run as root: they mount images, and make devices and owners. `scripts/dump-tools` fetches
//! what they compare with; a version that cannot be had is told as skipped.

mod env;
mod in_process;
mod sample;
mod snapshot;
mod terminal;

mod test_incremental;
mod test_large;
mod test_live;
mod test_manual;
mod test_options;
mod test_remote;
mod test_restore;
mod test_resume;
mod test_source;
mod test_stopping;
mod test_stream;
mod test_terminal;
mod test_volumes;
mod test_ways;
