//! Where text comes from: the work tree, and what git knows of it.
