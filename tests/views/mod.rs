//! What reviewers and operators see: the same plans in the terminal, in comments and on pages.

mod agreement;
mod mark;
mod page;
mod picture;
mod scenarios;
mod terminal;
