//! Measures and enforces the structure and the language of this repository.
//!
//! The tests of this package are the checks; the binary prints the same numbers as Markdown. The
//! package uses none of the packages that it checks, so it builds while they do not.

pub mod facts;
pub mod graph;
pub mod language;
pub mod lexer;
pub mod measures;
pub mod report;
pub mod resolve;
pub mod rules;
pub mod workspace;
