//! Patch synthesis: laws on toys, and quality against the reference on golden cases.

mod blend;
pub mod case;
mod guides;
mod laws;
mod quality;
mod search;
mod segment;
