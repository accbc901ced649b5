//! The regions of a cell: requests that match exactly the same terms.

use super::budget::{Entangled, Stop};
use super::ports::Ports;
use super::request::{Destination, FilePath, Request};
use super::survey::{Cell, Subject, Survey};
use model::docker::{FileMode, Method, Transport};

/// Requests that match exactly the same terms.
pub(super) struct Region<'r> {
    /// The terms, in no order.
    pub(super) terms: &'r [u32],
    /// Whether the requests are HTTP requests, which terms about their connections match too.
    pub(super) http: bool,
    witness: &'r dyn Fn() -> Option<Request>,
}

impl Region<'_> {
    /// One of the requests; made when it is asked for.
    pub(super) fn witness(&self) -> Option<Request> {
        (self.witness)()
    }
}

impl Survey<'_> {
    /// Visits every region in which a term that is `wanted` may match, in cells of short names first.
    pub(super) fn regions(
        &self,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&Region<'_>) -> Result<(), Stop>,
    ) -> Result<(), Entangled> {
        self.cells(wanted, &mut |cell| {
            if cell.is_path() {
                return self.mounts(cell, visit);
            }
            for transport in Transport::ALL {
                self.connects(cell, *transport, visit)?;
            }
            self.requests(cell, visit)
        })
    }

    fn connects(
        &self,
        cell: &Cell<'_>,
        transport: Transport,
        visit: &mut dyn FnMut(&Region<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let split = self.connections(cell.terms, transport);
        let written = split.at.keys().copied();
        // The ports that people think of first come first, since the first region often gives the witness.
        let mut ports: Vec<Option<u16>> = written.clone().map(Some).collect();
        ports.sort_by_key(|port| (*port != Some(443), *port != Some(80)));
        let elsewhere = (!split.everywhere.is_empty()).then_some(None);
        for port in elsewhere.into_iter().chain(ports) {
            let terms = split.on(port);
            self.budget.spend(terms.len())?;
            let witness = || {
                let port = port.or_else(|| Ports::AllBut(written.clone().collect()).witness())?;
                Some(Request::Connect {
                    transport,
                    destination: destination(cell)?,
                    port,
                })
            };
            visit(&Region {
                terms: &terms,
                http: false,
                witness: &witness,
            })?;
        }
        Ok(())
    }

    fn requests(
        &self,
        cell: &Cell<'_>,
        visit: &mut dyn FnMut(&Region<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for part in self.http(cell.terms, <[u32]>::to_vec) {
            let Some(port) = part.ports.witness() else {
                continue;
            };
            for path in self.paths(&part.http)?.iter() {
                let http: Vec<u32> = part
                    .http
                    .iter()
                    .copied()
                    .filter(|term| self.on_path(*term, path))
                    .collect();
                self.budget.spend(part.http.len())?;
                let mut told: Vec<Vec<u32>> = Vec::new();
                for method in Method::ALL {
                    let requests = |term: &u32| self.index.term_of(*term).what.requests(*method);
                    let own: Vec<u32> = http.iter().copied().filter(requests).collect();
                    if own.is_empty() || told.contains(&own) {
                        continue;
                    }
                    let terms: Vec<u32> = own.iter().chain(&part.connection).copied().collect();
                    let witness = || {
                        let destination = destination(cell)?;
                        let path = path.witness.clone();
                        Some(Request::Http {
                            method: *method,
                            destination,
                            port,
                            path,
                        })
                    };
                    visit(&Region {
                        terms: &terms,
                        http: true,
                        witness: &witness,
                    })?;
                    told.push(own);
                }
            }
        }
        Ok(())
    }

    fn mounts(
        &self,
        cell: &Cell<'_>,
        visit: &mut dyn FnMut(&Region<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        for mode in FileMode::ALL {
            let mounts = |term: &u32| self.index.term_of(*term).what.mounts(*mode);
            let terms: Vec<u32> = cell.terms.iter().copied().filter(mounts).collect();
            if terms.is_empty() {
                continue;
            }
            let witness = || {
                Some(Request::File {
                    mode: *mode,
                    path: path(cell)?,
                })
            };
            visit(&Region {
                terms: &terms,
                http: false,
                witness: &witness,
            })?;
        }
        Ok(())
    }
}

fn destination(cell: &Cell<'_>) -> Option<Destination> {
    match cell.subject() {
        Subject::Destination(destination) => Some(destination),
        Subject::Path(_) => None,
    }
}

fn path(cell: &Cell<'_>) -> Option<FilePath> {
    match cell.subject() {
        Subject::Path(path) => Some(path),
        Subject::Destination(_) => None,
    }
}
