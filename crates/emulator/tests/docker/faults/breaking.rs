//! Faults of connections, and of the server as a whole.

use std::io::ErrorKind;
use std::time::Duration;

use emulator::{DockerOptions, EmulatorProfile, StateLocation, start};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Faulted, faults, receive};
use crate::shared::emulator::Service;

/// Long enough for everything that is not stuck.
const LONG: Duration = Duration::from_secs(20);

/// Lists the policies over a bare connection. Returns all received bytes and how the connection
/// ended.
async fn bare(faulted: &Faulted) -> (Vec<u8>, Result<(), ErrorKind>) {
    let address = faulted.service.running.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v2/orgs/my-org/governance/policies HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
        faulted.service.token
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let end = timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap();
    (bytes, end.map(drop).map_err(|error| error.kind()))
}

#[tokio::test]
async fn a_reset_is_a_reset_of_tcp_and_no_byte_comes_before_it() {
    for kind in ["before-reset", "after-reset", "before-crash", "after-crash"] {
        let faulted = Faulted::new(EmulatorProfile::Current, &[&format!("{kind}@read:1")]).await;
        assert_eq!(
            bare(&faulted).await,
            (Vec::new(), Err(ErrorKind::ConnectionReset)),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_truncated_answer_announces_more_than_it_sends_and_ends_in_order() {
    let faulted = Faulted::new(EmulatorProfile::Current, &["truncated@read:2"]).await;
    faulted.service.policy("p").await;
    let whole = faulted.send(Method::GET, "", None).await.unwrap().text;
    let (bytes, end) = bare(&faulted).await;
    assert_eq!(end, Ok(()));
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("content-length: {}", whole.len())),
        "{head}"
    );
    assert_eq!(body, &whole[..whole.len() / 2]);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_what_hangs_or_is_delayed() {
    for spec in ["before-hang@writes", "after-hang@writes", "delay=1h@writes"] {
        let faulted = Faulted::new(EmulatorProfile::Current, &[spec]).await;
        let requests = (0..3).map(|number| {
            let body = json!({"name": format!("p{number}")});
            tokio::spawn(receive(faulted.request(Method::POST, "", Some(body))))
        });
        let requests: Vec<_> = requests.collect();
        if spec.contains("hang") {
            faulted.wait_for_struck(3).await;
        } else {
            // A delayed request is recorded when it is answered. The next sequence number shows
            // that it has arrived.
            let deadline = tokio::time::Instant::now() + LONG;
            loop {
                faulted.list(1).await;
                if faulted.log().last().unwrap()["seq"].as_u64().unwrap() as usize
                    > faulted.log().len() + 2
                {
                    break;
                }
                assert!(tokio::time::Instant::now() < deadline);
            }
        }
        let Faulted { service, folder } = faulted;
        timeout(LONG, service.running.shutdown())
            .await
            .expect("the shutdown waits");
        for request in requests {
            let answer = request.await.unwrap();
            match spec.contains("hang") {
                true => assert!(answer.is_err(), "{spec}: {answer:?}"),
                // A slow request is finished.
                false => assert_eq!(answer.unwrap().status, 201),
            }
        }
        drop(folder);
    }
}

#[tokio::test]
async fn dropping_ends_what_hangs() {
    let faulted = Faulted::new(EmulatorProfile::Current, &["hang@write:1"]).await;
    let request = tokio::spawn(receive(faulted.request(
        Method::POST,
        "",
        Some(json!({"name": "p"})),
    )));
    faulted.wait_for_struck(1).await;
    drop(faulted);
    timeout(LONG, request).await.unwrap().unwrap().unwrap_err();
}

#[tokio::test]
async fn a_crash_ends_everything_and_keeps_what_was_done() {
    for (kind, done) in [("before-crash", false), ("after-crash", true)] {
        let folder = tempfile::tempdir().unwrap();
        let state = StateLocation::File(folder.path().join("state.db"));
        let options = DockerOptions {
            state: state.clone(),
            ..DockerOptions::default()
        };
        let faulted = Faulted::with(options, &[&format!("{kind}@write:2"), "hang@write:3"]).await;
        faulted.service.policy("kept").await;
        let idle = TcpStream::connect(faulted.service.running.address())
            .await
            .unwrap();
        // The service has registered the connection once it has answered a later one.
        faulted.list(1).await;
        faulted
            .send(Method::POST, "", Some(json!({"name": "p"})))
            .await
            .unwrap_err();
        assert_eq!(faulted.struck()[0]["status"], Value::Null);

        timeout(LONG, faulted.service.running.crashed())
            .await
            .unwrap();
        let address = faulted.service.running.address();
        timeout(LONG, faulted.service.running.shutdown())
            .await
            .unwrap();
        assert!(
            TcpStream::connect(address).await.is_err(),
            "{kind}: it listens no more"
        );
        let mut idle = idle;
        let end = timeout(LONG, idle.read(&mut [0; 1])).await.unwrap();
        assert_eq!(
            end.map_err(|error| error.kind()),
            Err(ErrorKind::ConnectionReset),
            "{kind}"
        );

        let again = Service::with(DockerOptions {
            state,
            ..DockerOptions::default()
        })
        .await;
        let (_, list) = again.policies(Method::GET, "", None).await;
        let names: Vec<&str> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| p["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            if done {
                vec!["kept", "p"]
            } else {
                vec!["kept"]
            },
            "{kind}"
        );
    }
}

#[tokio::test]
async fn without_a_fault_nobody_waits_for_a_crash_in_vain() {
    let running = start(DockerOptions {
        faults: faults(&["crash@write:9"]),
        ..DockerOptions::default()
    })
    .await
    .unwrap();
    assert!(
        timeout(Duration::from_millis(50), running.crashed())
            .await
            .is_err()
    );
    running.shutdown().await;
}
