//! CSV with a header, such as logs of proxies.

use std::io::{BufRead, Read};

use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;
use model::docker::{FileMode, Transport};

use super::audit::method;
use super::error::{COLUMNS, ReadError};
use super::request::{Request, connection, file, http, mount, name, port};
use crate::aggregate::{Aggregator, Observation};
use crate::kind::{RecordedDecision, TrafficKind};
use crate::line::MAX_LINE;
use crate::skipped::SkipReason;

/// The positions of the columns.
struct TableColumns(Vec<(usize, usize)>);

impl TableColumns {
    fn of(header: &StringRecord) -> Self {
        let position = |name: &str| {
            let name = name.trim();
            let mut columns = COLUMNS.iter();
            columns.position(|column| column.eq_ignore_ascii_case(name))
        };
        let pairs = header.iter().enumerate();
        Self(
            pairs
                .filter_map(|(index, name)| Some((position(name)?, index)))
                .collect(),
        )
    }

    fn get<'r>(&self, record: &'r StringRecord, column: &str) -> Option<&'r str> {
        let wanted = COLUMNS.iter().position(|known| *known == column)?;
        let (_, index) = self.0.iter().find(|(column, _)| *column == wanted)?;
        record
            .get(*index)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    }

    fn has(&self, column: &str) -> bool {
        let wanted = COLUMNS.iter().position(|known| *known == column);
        self.0.iter().any(|(column, _)| Some(*column) == wanted)
    }
}

pub(super) fn read(
    aggregator: &mut Aggregator,
    header: &[u8],
    input: impl BufRead,
) -> Result<(), ReadError> {
    let mut first = header.to_vec();
    first.push(b'\n');
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .from_reader(first.chain(input));
    let columns = match reader.headers() {
        Ok(header) => TableColumns::of(header),
        Err(_) => return Err(ReadError::UnknownFormat),
    };
    if !columns.has("host") && !columns.has("path") {
        return Err(ReadError::UnknownFormat);
    }
    let mut record = StringRecord::new();
    let mut number = 0;
    loop {
        number += 1;
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) => return Err(error.into()),
                // The next record can be read.
                csv::ErrorKind::Utf8 { .. } => {
                    aggregator.skip(SkipReason::InvalidRecord);
                    continue;
                }
                other => {
                    let why = format!("{other:?}");
                    return Err(ReadError::Csv {
                        record: number,
                        why,
                    });
                }
            },
        }
        if record.as_slice().len() > MAX_LINE {
            aggregator.skip(SkipReason::TooLong);
            continue;
        }
        match observation(&columns, &record) {
            Ok(observation) => aggregator.add(observation)?,
            Err(reason) => aggregator.skip(reason),
        }
    }
}

fn observation(columns: &TableColumns, record: &StringRecord) -> Result<Observation, SkipReason> {
    let get = |column: &str| columns.get(record, column);
    let (kind, object) = request(&get)?;
    let time = get("time")
        .map(str::parse::<Timestamp>)
        .transpose()
        .map_err(|_| SkipReason::InvalidRecord)?;
    let count = get("count")
        .map(str::parse)
        .transpose()
        .map_err(|_| SkipReason::InvalidRecord)?;
    Ok(Observation {
        kind,
        object,
        principal: get("principal").map(name).transpose()?,
        agent: get("agent").map(name).transpose()?,
        first_seen: time,
        last_seen: time,
        decision: get("decision")
            .map(RecordedDecision::of_log)
            .unwrap_or_default(),
        count: count.unwrap_or(1),
    })
}

/// Without a kind, a row with a method is an HTTP request, and one with a host is a TCP connection. The mode of
/// a path is not guessed.
fn request<'r>(get: &impl Fn(&str) -> Option<&'r str>) -> Result<Request, SkipReason> {
    let host = || get("host").ok_or(SkipReason::NoRequest);
    let path = || get("path").ok_or(SkipReason::NoRequest);
    let given_kind = get("kind").map(str::to_ascii_lowercase);
    let http_request = || {
        let verb = get("method").ok_or(SkipReason::NoRequest)?;
        let number = get("port").ok_or(SkipReason::NoRequest)?;
        http(method(verb)?, host()?, port(number)?, path()?)
    };
    let connect = |transport: Transport| match get("port") {
        Some(number) => {
            let number = port(number)?;
            let host = host()?;
            let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
            let host = if is_bare_ipv6 {
                format!("[{host}]")
            } else {
                host.to_owned()
            };
            connection(transport, &format!("{host}:{number}"))
        }
        None => connection(transport, host()?),
    };
    match given_kind.as_deref() {
        None if get("method").is_some() => http_request(),
        None if get("host").is_some() => connect(Transport::Tcp),
        None => mount(path()?),
        Some("http" | "https") => http_request(),
        Some(kind) => match kind.parse::<TrafficKind>() {
            Ok(TrafficKind::Connect(transport)) => connect(transport),
            Ok(TrafficKind::Http(method)) => {
                let number = get("port").ok_or(SkipReason::NoRequest)?;
                http(method, host()?, port(number)?, path()?)
            }
            Ok(TrafficKind::File(FileMode::Read)) => file(FileMode::Read, path()?),
            Ok(TrafficKind::File(mode)) => file(mode, path()?),
            Ok(TrafficKind::Mount) => mount(path()?),
            Ok(TrafficKind::Mcp) | Err(_) => Err(SkipReason::UnknownActionType),
        },
    }
}
