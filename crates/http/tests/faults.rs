//! Faults of network and server: retries and error messages.

use std::time::{Duration, Instant};

use polwarden_http::{
    Endpoint, ErrorKind, FailedCallOutcome, HostClient, HttpCall, HttpClient, HttpOptions,
    RetryPolicy,
};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Quick retries, so that tests do not wait.
fn quick() -> HttpOptions {
    let retry = RetryPolicy {
        faults: 2,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
        max_wait: Duration::from_secs(60),
    };
    HttpOptions {
        retry,
        ..HttpOptions::default()
    }
}

fn bind(uri: &str, options: HttpOptions) -> HostClient {
    HttpClient::new(options)
        .bind(uri.parse::<Endpoint>().unwrap())
        .unwrap()
}

fn read() -> HttpCall {
    HttpCall::read("getThing", "thing", vec!["thing".to_owned()])
}

fn write() -> HttpCall {
    HttpCall::write("putThing", "thing", Method::PUT, vec!["thing".to_owned()])
}

async fn count(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// A server that answers so once, and then well.
async fn once(first: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(first)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!(1)))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn a_fault_is_retried_for_reads_only() {
    for status in [408, 500, 502, 503, 504] {
        let server = once(ResponseTemplate::new(status)).await;
        assert_eq!(
            bind(&server.uri(), quick()).send(&read(), None).await,
            Ok(json!(1)),
            "{status}"
        );
        let server = once(ResponseTemplate::new(status)).await;
        let error = bind(&server.uri(), quick())
            .send(&write(), None)
            .await
            .unwrap_err();
        assert_eq!(
            (error.status(), error.outcome(), count(&server).await),
            (Some(status), FailedCallOutcome::Unknown, 1)
        );
    }
}

#[tokio::test]
async fn a_refusal_is_not_retried() {
    for status in [400, 403, 404, 409, 422] {
        for call in [read(), write()] {
            let server = once(ResponseTemplate::new(status)).await;
            let error = bind(&server.uri(), quick())
                .send(&call, None)
                .await
                .unwrap_err();
            assert_eq!(
                (error.status(), error.outcome(), count(&server).await),
                (Some(status), FailedCallOutcome::NotApplied, 1)
            );
        }
    }
}

#[tokio::test]
async fn retries_end() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    let error = bind(&server.uri(), quick())
        .send(&read(), None)
        .await
        .unwrap_err();
    assert_eq!((error.status(), count(&server).await), (Some(503), 3));
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_by_reads_and_writes() {
    for call in [read(), write()] {
        let server = once(ResponseTemplate::new(429).insert_header("retry-after", "1")).await;
        let started = std::time::Instant::now();
        assert_eq!(
            bind(&server.uri(), quick()).send(&call, None).await,
            Ok(json!(1))
        );
        assert!(started.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_pause_holds_for_all_requests_to_the_host() {
    for answer in [
        ResponseTemplate::new(429).insert_header("retry-after", "3600"),
        ResponseTemplate::new(200)
            .set_body_json(json!(1))
            .insert_header("x-ratelimit-remaining", "0")
            .insert_header("x-ratelimit-reset", "3600"),
    ] {
        let server = once(answer).await;
        let client = bind(&server.uri(), quick());
        client.send(&read(), None).await.ok();
        let error = client.send(&write(), None).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::RateLimited { wait } if wait.as_secs() > 3500),
            "{error}"
        );
        assert_eq!(
            (error.outcome(), count(&server).await),
            (FailedCallOutcome::NotApplied, 1)
        );
    }
}

/// Accepts one request in each interval, and 5 at once after a rest.
struct RateLimited {
    interval: Duration,
    bucket: std::sync::Mutex<(Instant, f64)>,
}

impl wiremock::Respond for RateLimited {
    fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
        let mut bucket = self.bucket.lock().unwrap();
        let (filled, tokens) = *bucket;
        let now = Instant::now();
        let added = (now - filled).as_secs_f64() / self.interval.as_secs_f64();
        let tokens = (tokens + added).min(5.0);
        if tokens < 1.0 {
            *bucket = (now, tokens);
            return ResponseTemplate::new(429).insert_header("retry-after", "1");
        }
        *bucket = (now, tokens - 1.0);
        ResponseTemplate::new(200).set_body_json(json!(1))
    }
}

#[tokio::test]
async fn calls_follow_the_rate_limit_of_a_server_and_none_fails() {
    let server = MockServer::start().await;
    let limit = RateLimited {
        interval: Duration::from_millis(25),
        bucket: std::sync::Mutex::new((Instant::now(), 5.0)),
    };
    Mock::given(any()).respond_with(limit).mount(&server).await;
    let client = bind(&server.uri(), quick());
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let call = if number % 2 == 0 { read() } else { write() };
                client.send(&call, None).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(json!(1)));
    }
    let refused = count(&server).await - 100;
    // All waiters at once would be refused again and again: about 1,000 times.
    assert!((1..60).contains(&refused), "{refused} refusals");
}

#[tokio::test]
async fn long_pauses_are_announced_once() {
    let server = once(ResponseTemplate::new(429).insert_header("retry-after", "7")).await;
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let notices = std::sync::Arc::clone(&heard);
    let client = HttpClient::new(quick())
        .on_rate_limit(move |host, notice| {
            notices.lock().unwrap().push((host.to_owned(), notice));
        })
        .bind(server.uri().parse::<Endpoint>().unwrap())
        .unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let client = client.clone();
        calls.spawn(async move { client.send(&read(), None).await });
    }
    // The pause takes longer than the test is willing to wait.
    tokio::time::timeout(Duration::from_secs(1), calls.join_all())
        .await
        .unwrap_err();
    let heard = heard.lock().unwrap().clone();
    let [(host, polwarden_http::RateLimitNotice::Paused(wait))] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert_eq!(host, &server.address().to_string());
    assert!((6..=7).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test]
async fn a_late_answer_leaves_a_write_unknown() {
    let late = || {
        ResponseTemplate::new(200)
            .set_body_json(json!(1))
            .set_delay(Duration::from_secs(30))
    };
    let options = || HttpOptions {
        request_timeout: Duration::from_millis(300),
        ..quick()
    };
    let server = once(late()).await;
    assert_eq!(
        bind(&server.uri(), options()).send(&read(), None).await,
        Ok(json!(1))
    );
    let server = once(late()).await;
    let error = bind(&server.uri(), options())
        .send(&write(), None)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.outcome()),
        (&ErrorKind::TimedOut, FailedCallOutcome::Unknown)
    );
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_broken_connection_leaves_a_write_unknown_and_is_not_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut accepted = 0;
        // The first connection is read and dropped; a second one would be a blind retry.
        while let Ok(Ok((mut socket, _))) =
            tokio::time::timeout(Duration::from_millis(500), listener.accept()).await
        {
            accepted += 1;
            let mut buffer = [0; 1024];
            assert_ne!(socket.read(&mut buffer).await.unwrap(), 0);
        }
        accepted
    });
    let error = bind(&uri, quick()).send(&write(), None).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Interrupted { .. }),
        "{error}"
    );
    assert_eq!(
        (error.outcome(), server.await.unwrap()),
        (FailedCallOutcome::Unknown, 1)
    );
}

#[tokio::test]
async fn a_write_without_a_connection_was_not_applied() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = bind(&uri, quick()).send(&write(), None).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unreachable { .. }),
        "{error}"
    );
    assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let server = once(ResponseTemplate::new(200).set_body_json(json!(1))).await;
    let uri = format!("http://localhost:{}", server.address().port());
    assert_eq!(bind(&uri, quick()).send(&read(), None).await, Ok(json!(1)));
}

#[tokio::test]
async fn a_server_without_tls_gets_nothing_over_https() {
    let server = once(ResponseTemplate::new(200).set_body_json(json!(1))).await;
    let error = bind(&server.uri().replace("http:", "https:"), quick())
        .send(&write(), None)
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Tls { .. }), "{error}");
    assert_eq!(
        (error.outcome(), count(&server).await),
        (FailedCallOutcome::NotApplied, 0)
    );
}

#[tokio::test]
async fn answers_that_are_no_sane_json_are_refused() {
    let small = || HttpOptions {
        longest_answer: 100,
        ..quick()
    };
    let html = ResponseTemplate::new(200).set_body_raw("<html>sign in</html>", "text/html");
    let broken = ResponseTemplate::new(200).set_body_raw("{\"a\":", "application/json");
    let long = ResponseTemplate::new(200).set_body_json(json!("x".repeat(200)));
    for (answer, wanted) in [
        (html, "not JSON"),
        (broken, "not JSON"),
        (long, "longer than 100 bytes"),
    ] {
        for call in [read(), write()] {
            let server = once(answer.clone()).await;
            let error = bind(&server.uri(), small())
                .send(&call, None)
                .await
                .unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(!error.to_string().contains("sign in"), "{error}");
            assert_eq!(count(&server).await, 1);
        }
    }
}

#[tokio::test]
async fn an_answer_without_announced_length_is_bounded_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        assert_ne!(socket.read(&mut buffer).await.unwrap(), 0);
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        socket.write_all(head).await.unwrap();
        // It goes on until the client hangs up.
        while socket.write_all(b"0A\r\n          \r\n").await.is_ok() {}
    });
    let error = bind(
        &uri,
        HttpOptions {
            longest_answer: 1000,
            ..quick()
        },
    )
    .send(&read(), None)
    .await
    .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLong { limit: 1000 });
    server.await.unwrap();
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_not_sent() {
    let server = MockServer::start().await;
    Mock::given(method("PUT"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    for segment in ["..", "a/b", "", "%2e%2e", "x\r\ny"] {
        let call = HttpCall::write("putThing", "thing", Method::PUT, vec![segment.to_owned()]);
        let error = bind(&server.uri(), quick())
            .send(&call, None)
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotSent { .. }), "{error}");
        assert_eq!(error.outcome(), FailedCallOutcome::NotApplied);
    }
    assert_eq!(count(&server).await, 0);
}
