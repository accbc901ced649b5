//! All names, by the patterns that they match.
//!
//! A walk over a trie reaches every set of nodes that some name reaches, so that the names fall into finitely many
//! cells in which all names match the same patterns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use indexmap::IndexMap;

use super::budget::{Budget, Entangled, Stop};
use super::classes::other_classes;
use super::globs::Globs;
use super::naming::Naming;
use super::segments::{NodeId, State, Trie, WordId, finish};

/// A walk over all cells of a trie, shortest names first.
pub(super) struct Walk<'t> {
    pub(super) trie: &'t Trie,
    naming: Naming,
    /// In the order in which they were found, by the nodes that their names reach.
    cells: IndexMap<State, Cell, FixedState>,
    /// The positions of the texts in their order: a walk depends on nothing else.
    order: Vec<u32>,
}

/// Names that match the same patterns: how the first of them was reached.
struct Cell {
    before: usize,
    depth: usize,
    read: Read,
}

/// The last segment of a name.
enum Read {
    /// None: the empty name.
    Nothing,
    /// The text of an edge.
    Word(WordId),
    /// One that certain globs match.
    Made(Box<str>),
    /// Any that is no text here. It is made up when somebody asks for it.
    Fresh,
}

impl<'t> Walk<'t> {
    /// Visits every cell from which a node that is marked in `leading` can be reached; the cell of the empty name too,
    /// if it is a name. The visitor gets the walk and the cell's number.
    pub(super) fn over(
        trie: &'t Trie,
        naming: Naming,
        leading: &[bool],
        budget: &Budget,
        visit: &mut dyn FnMut(&Self, usize) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut words: Vec<usize> = (0..trie.texts.len()).collect();
        words.sort_unstable_by_key(|word| &trie.texts[*word]);
        let mut order = vec![0; words.len()];
        for (position, word) in words.into_iter().enumerate() {
            order[word] = u32::try_from(position).unwrap_or(u32::MAX);
        }
        let mut cells = IndexMap::default();
        cells.insert(
            trie.start(),
            Cell {
                before: 0,
                depth: 0,
                read: Read::Nothing,
            },
        );
        let mut walk = Self {
            trie,
            naming,
            cells,
            order,
        };
        let mut at = 0;
        let mut found: Vec<(State, Read)> = Vec::new();
        while at < walk.cells.len() {
            let named = at > 0 || matches!(naming, Naming::Url | Naming::File);
            if named {
                visit(&walk, at)?;
            }
            walk.expand(at, budget, &mut |state, read| {
                if state.iter().any(|node| leading[*node as usize]) {
                    found.push((state.clone(), read));
                }
            })?;
            let depth = walk.cells[at].depth + 1;
            for (state, read) in found.drain(..) {
                // The first way to reach a state has the shortest names.
                walk.cells.entry(state).or_insert(Cell {
                    before: at,
                    depth,
                    read,
                });
            }
            at += 1;
        }
        Ok(())
    }

    /// Every way to go on from a cell.
    fn expand(
        &self,
        at: usize,
        budget: &Budget,
        found: &mut dyn FnMut(&mut State, Read),
    ) -> Result<(), Entangled> {
        let Some((state, Cell { depth, .. })) = self.cells.get_index(at) else {
            return Ok(());
        };
        let nodes = || state.iter().map(|id| &self.trie.nodes[*id as usize]);
        let mut always = State::new();
        for id in state {
            self.trie
                .always(*id, &self.trie.nodes[*id as usize], &mut always);
        }
        let globbed: Vec<&Globs> = nodes().filter_map(|node| node.globs.as_deref()).collect();
        let mut texts: Vec<(WordId, NodeId)> = nodes()
            .flat_map(|node| node.texts.iter().copied())
            .collect();
        texts.sort_unstable_by_key(|(word, to)| (self.order[*word as usize], *to));
        budget.spend(state.len() + texts.len() * (1 + always.len() + globbed.len()))?;
        let mut next = State::new();
        for group in texts.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((word, _)) = group.first() else {
                continue;
            };
            next.clone_from(&always);
            for (_, to) in group {
                self.trie.reach(*to, &mut next);
            }
            self.add_globs(&globbed, &self.trie.texts[*word as usize], &mut next);
            found(&mut next, Read::Word(*word));
        }
        if globbed.is_empty() {
            if !always.is_empty() && self.naming.fresh(self.trie, state, *depth, true).is_some() {
                finish(&mut always);
                found(&mut always, Read::Fresh);
            }
            return Ok(());
        }
        let distinct: BTreeSet<&str> = globbed.iter().flat_map(|globs| globs.texts()).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let taken: BTreeSet<&str> = texts
            .iter()
            .map(|(word, _)| self.trie.texts[*word as usize].as_ref())
            .collect();
        let candidates = self.naming.candidates(*depth, &distinct);
        for segment in other_classes(&distinct, &taken, candidates, budget)? {
            next.clone_from(&always);
            self.add_globs(&globbed, &segment, &mut next);
            found(&mut next, Read::Made(segment.into()));
        }
        Ok(())
    }

    /// Adds what the globs lead to that match a segment.
    fn add_globs(&self, globbed: &[&Globs], segment: &str, next: &mut State) {
        for to in globbed.iter().flat_map(|globs| globs.matching(segment)) {
            self.trie.reach(to, next);
        }
        finish(next);
    }

    /// The nodes that a cell's names reach.
    pub(super) fn state(&self, cell: usize) -> &[NodeId] {
        self.cells.get_index(cell).map_or(&[], |(state, _)| state)
    }

    /// The segments of a name of a cell, in the order in which they are read.
    pub(super) fn witness(&self, cell: usize) -> Vec<String> {
        let mut segments: Vec<String> =
            self.segments_from_last(cell).map(Cow::into_owned).collect();
        segments.reverse();
        segments
    }

    /// The name of a cell whose segments are the labels of a host, which are read from the last one on.
    pub(super) fn host(&self, cell: usize) -> String {
        let mut host = String::with_capacity(48);
        for label in self.segments_from_last(cell) {
            if !host.is_empty() {
                host.push('.');
            }
            host.push_str(&label);
        }
        host
    }

    fn segments_from_last(&self, cell: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let mut at = cell;
        std::iter::from_fn(move || {
            let Cell {
                read,
                before,
                depth,
            } = &self.cells[at];
            let segment = match read {
                Read::Nothing => return None,
                Read::Word(word) => Cow::Borrowed(&*self.trie.texts[*word as usize]),
                Read::Made(text) => Cow::Borrowed(&**text),
                Read::Fresh => {
                    let fresh =
                        self.naming
                            .fresh(self.trie, self.state(*before), depth - 1, at == cell);
                    Cow::Owned(fresh.unwrap_or_default())
                }
            };
            at = *before;
            Some(segment)
        })
    }
}
