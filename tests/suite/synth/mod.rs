//! Patch synthesis: laws on toys, and quality against the reference on golden cases.

pub mod case;
mod laws;
mod quality;
mod search;
