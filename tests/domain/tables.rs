//! Every row of the transition tables, every reason of a refusal, by the smallest example.

mod approvals;
mod assignments;
mod caches;
mod catalogs;
mod content;
mod decisions;
mod eligibility;
mod ends;
mod guards;
mod overdue;
mod packages;
mod periods;
mod policies;
mod requests;
mod resources;
mod rivals;
mod seconds;
mod stages;
