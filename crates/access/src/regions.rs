//! Regions: sets of requests that match exactly the same terms.
//!
//! In textbook terms, regions refine the atoms of the Boolean algebra that the terms generate: an
//! atom may be split into several regions. They are found as a product: the cells of destinations
//! or paths (`survey`), then transports, classes of ports, methods and cells of HTTP paths. Only
//! values that some term of the cell distinguishes are enumerated: the ports that occur in it, and
//! one representative for all others. A Boolean question about the terms has the same answer for
//! all requests of a region, so that one request of each is enough for a proof.
//!
//! Example: "allow tcp `a.example.com`" and "deny tcp `a.example.com:22`" give two regions: port 22
//! matches both terms, and every other port, represented by 443, matches only the allow.

use super::budget::{TooComplex, WalkStop};
use super::partition::{PartitionCell, RequestPartition, RequestTarget};
use super::request::{AccessRequest, Destination, FilePath, PortSet, RequestPart};
use model::docker::{FileMode, Method, Transport};

pub(crate) struct RequestRegion<'r> {
    /// The terms, in arbitrary order.
    pub(crate) terms: &'r [u32],
    /// Whether these are HTTP requests, which also match terms about their connection.
    pub(crate) http: bool,
    witness: &'r dyn Fn() -> Option<AccessRequest>,
}

impl RequestRegion<'_> {
    /// One of the requests. It is constructed on demand because most regions need none.
    pub(crate) fn witness(&self) -> Option<AccessRequest> {
        (self.witness)()
    }
}

impl RequestPartition<'_> {
    /// Visits every region in which a `wanted` term may match, cells with short names first.
    pub(crate) fn regions(
        &self,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), TooComplex> {
        self.cells(wanted, &mut |cell| self.split(cell, visit))
    }

    /// Like [`Self::regions`], for one part of all requests.
    pub(crate) fn regions_of(
        &self,
        part: RequestPart,
        wanted: &dyn Fn(u32) -> bool,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), TooComplex> {
        let visited = self.visit_part(part, wanted, &mut |cell| self.split(cell, visit));
        match visited {
            Ok(()) | Err(WalkStop::Answered) => Ok(()),
            Err(WalkStop::TooComplex(too_complex)) => Err(too_complex),
        }
    }

    fn split(
        &self,
        cell: &PartitionCell<'_>,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        if cell.is_path() {
            return self.mounts(cell, visit);
        }
        for transport in Transport::ALL {
            self.visit_connections(cell, *transport, visit)?;
        }
        self.requests(cell, visit)
    }

    fn visit_connections(
        &self,
        cell: &PartitionCell<'_>,
        transport: Transport,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        let split = self.connections(cell.terms, transport);
        let written = split.at.keys().copied();
        // Usual ports come first, because the first region often provides the witness.
        let mut ports: Vec<Option<u16>> = written.clone().map(Some).collect();
        ports.sort_by_key(|port| (*port != Some(443), *port != Some(80)));
        let elsewhere = (!split.everywhere.is_empty()).then_some(None);
        for port in elsewhere.into_iter().chain(ports) {
            let terms = split.terms_at(port);
            self.budget.spend(terms.len())?;
            let witness = || {
                let port = port.or_else(|| PortSet::AllBut(written.clone().collect()).witness())?;
                Some(AccessRequest::Connect {
                    transport,
                    destination: destination(cell)?,
                    port,
                })
            };
            visit(&RequestRegion {
                terms: &terms,
                http: false,
                witness: &witness,
            })?;
        }
        Ok(())
    }

    fn requests(
        &self,
        cell: &PartitionCell<'_>,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
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
                        Some(AccessRequest::Http {
                            method: *method,
                            destination,
                            port,
                            path,
                        })
                    };
                    visit(&RequestRegion {
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
        cell: &PartitionCell<'_>,
        visit: &mut dyn FnMut(&RequestRegion<'_>) -> Result<(), WalkStop>,
    ) -> Result<(), WalkStop> {
        for mode in FileMode::ALL {
            let mounts = |term: &u32| self.index.term_of(*term).what.mounts(*mode);
            let terms: Vec<u32> = cell.terms.iter().copied().filter(mounts).collect();
            if terms.is_empty() {
                continue;
            }
            let witness = || {
                Some(AccessRequest::File {
                    mode: *mode,
                    path: path(cell)?,
                })
            };
            visit(&RequestRegion {
                terms: &terms,
                http: false,
                witness: &witness,
            })?;
        }
        Ok(())
    }
}

fn destination(cell: &PartitionCell<'_>) -> Option<Destination> {
    match cell.subject() {
        RequestTarget::Destination(destination) => Some(destination),
        RequestTarget::Path(_) => None,
    }
}

fn path(cell: &PartitionCell<'_>) -> Option<FilePath> {
    match cell.subject() {
        RequestTarget::Path(path) => Some(path),
        RequestTarget::Destination(_) => None,
    }
}
