// SPDX-License-Identifier: GPL-2.0
//! All tests of the model from the outside: properties (`prop_`), tables that are gone through
//! (`table_`), rules one by one (`rules_`), and the document of the format.

mod format_document;
mod offline;
mod prop_commit;
mod prop_database;
mod prop_events;
mod prop_failfast;
mod prop_fields;
mod prop_mirror;
mod prop_passes;
mod prop_quorum;
mod prop_raid5;
mod prop_soft;
mod prop_stripe;
mod prop_throttle;
mod prop_watched;
mod reencode;
mod replica;
mod rules_commits;
mod rules_members;
mod rules_spares;
mod seeded;
mod started;
mod store;
mod stored;
mod table_choice;
