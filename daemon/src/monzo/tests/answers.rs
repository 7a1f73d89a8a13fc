//! Every refusal of the catalogue (monzo/README.md, Errors), over the wire, by what the caller must do about it.

use super::*;

/// What the client makes of an answer to a plain read.
async fn of(status: usize, body: &str) -> (Result<(), Error>, usize, Vec<String>) {
    let mut rig = Rig::new().await;
    rig.get("/accounts").with_status(status).with_body(body).create_async().await;
    let answer = rig.client.accounts(Lane::Capture).await.map(drop);
    let renewed = rig.keys.renewed.lock().expect("a lock").len();
    let lost = rig.keys.lost.lock().expect("a lock").clone();
    (answer, renewed, lost)
}

async fn check(status: usize, code: &str, expected: &str) {
    let body = format!(r#"{{"code":"{code}","message":"in words","params":{{"a":"b"}},"retryable":{{}}}}"#);
    let (answer, renewed, lost) = of(status, &body).await;
    let word = answer.as_ref().expect_err(code).word();
    assert_eq!(word, expected, "{status} {code}");
    let asks_for_another = expected == "login_needed";
    assert_eq!(renewed == 1, asks_for_another, "{status} {code}: renewed {renewed}");
    assert_eq!(lost.len(), usize::from(renewed == 1), "{status} {code}: told {lost:?}");
}

#[tokio::test]
async fn bad_requests_are_final_for_that_request() {
    check(400, "bad_request.missing_param.current_account_id", "refused").await;
    check(400, "bad_request.bad_param.account_id", "refused").await;
    check(400, "bad_request.bad_param.bad_param.amount", "refused").await;
    check(400, "bad_request.insufficient_funds", "refused").await;
    check(400, "bad_request.invalid_time_range", "refused").await;
    check(400, "bad_request.bad_time_range", "refused").await;
    check(400, "bad_request.something_new", "refused").await;
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_once_and_then_the_login_is_lost() {
    check(401, "unauthorized.bad_access_token", "login_needed").await;
    check(401, "unauthorized.bad_access_token.expired", "login_needed").await;
    check(401, "unauthorized.bad_access_token.evicted", "login_needed").await;
    check(401, "unauthorized.something_new", "login_needed").await;
    check(400, "bad_request.invalid_token", "login_needed").await;
    let oauth = r#"{"error":"invalid_token","error_description":"The access token is unknown"}"#;
    let (answer, renewed, _) = of(401, oauth).await;
    assert_eq!((answer, renewed), (Err(Error::LoginNeeded { reason: "invalid_token".into() }), 1));
    let (answer, renewed, _) = of(401, "").await;
    assert!(matches!(answer, Err(Error::LoginNeeded { .. })) && renewed == 1);
}

#[tokio::test]
async fn a_newer_token_repeats_the_request() {
    let mut rig = Rig::new().await;
    let expired = r#"{"code":"unauthorized.bad_access_token.expired","message":"Access token has expired"}"#;
    let first = rig
        .get("/accounts")
        .match_header("authorization", "Bearer token-1")
        .with_status(401)
        .with_body(expired);
    let first = first.expect(1).create_async().await;
    let second =
        rig.get("/accounts").match_header("authorization", "Bearer token-2").with_body(r#"{"accounts":[]}"#);
    let second = second.expect(1).create_async().await;
    assert_eq!(rig.client.accounts(Lane::Capture).await, Ok(vec![]));
    first.assert_async().await;
    second.assert_async().await;
    assert_eq!(*rig.keys.renewed.lock().expect("a lock"), ["token-1"]);
    assert!(rig.keys.lost.lock().expect("a lock").is_empty());
}

#[tokio::test]
async fn a_forbidden_thing_is_never_a_matter_of_the_token() {
    check(403, "forbidden.insufficient_permissions", "not_approved").await;
    check(403, "forbidden.verification_required", "too_old").await;
    check(403, "forbidden.pot_added_security", "refused").await;
}

#[tokio::test]
async fn what_is_not_there_or_not_offered_is_final() {
    check(404, "not_found", "refused").await;
    check(404, "not_found.pot", "refused").await;
    check(405, "method_not_allowed", "refused").await;
    check(406, "bad_response.not_acceptable", "refused").await;
    check(412, "precondition_failed", "refused").await;
    check(418, "teapot", "refused").await;
}

#[tokio::test]
async fn what_is_not_in_the_banks_words_says_nothing_about_what_was_asked() {
    for (status, body) in [(302, ""), (400, "<html>"), (403, ""), (404, "teapot"), (418, "{}")] {
        let (answer, renewed, _) = of(status, body).await;
        assert!(matches!(answer, Err(Error::Foreign { .. })), "{status} {body}: {answer:?}");
        assert_eq!(renewed, 0, "{status} {body}");
    }
}

#[tokio::test]
async fn a_server_that_fails_may_succeed_later() {
    check(500, "internal_service", "transient").await;
    check(502, "", "transient").await;
    check(503, "", "transient").await;
    check(504, "timeout.upstream", "transient").await;
    for body in ["", "<html><body>502 Bad Gateway</body></html>", "{\"code\":", "null", "[]", "\u{0}"] {
        for status in [500, 502, 504, 599] {
            assert!(matches!(of(status, body).await.0, Err(Error::Transient(_))), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_success_without_its_key_is_a_failure() {
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "<html>",
        r#"{"accounts":null}"#,
        r#"{"accounts":{}}"#,
        r#"{"accounts":[{"id":"#,
    ] {
        assert!(matches!(of(200, body).await.0, Err(Error::Transient(_))), "{body}");
    }
    let mut rig = Rig::new().await;
    for path in ["/balance", "/pots", "/transactions", "/ping/whoami"] {
        rig.get(path).with_body(r#"{"something":[]}"#).create_async().await;
    }
    let (account, since) = ("acc_1".into(), Since::Time(Timestamp::UNIX_EPOCH));
    assert!(rig.client.balance(&account, Lane::Capture).await.is_err());
    assert!(rig.client.pots(&account, Lane::Capture).await.is_err());
    assert!(rig.client.transactions(&account, since, None, Lane::Capture).await.is_err());
    assert!(rig.client.whoami().await.is_err());
}

#[tokio::test]
async fn too_many_requests_are_told_with_the_banks_wait() {
    let mut rig = Rig::new().await;
    let body = r#"{"code":"rate_limited.too_many_requests","message":"slow down"}"#;
    rig.get("/accounts")
        .with_status(429)
        .with_header("retry-after", "7")
        .with_body(body)
        .create_async()
        .await;
    rig.get("/balance").with_status(429).create_async().await;
    let waits = |seconds| Err(Error::RateLimited { retry_after: seconds });
    assert_eq!(rig.client.accounts(Lane::Capture).await.map(drop), waits(Some(Duration::from_secs(7))));
    assert_eq!(rig.client.balance(&"acc_1".into(), Lane::Capture).await.map(drop), waits(None));
}

#[tokio::test]
async fn what_the_bank_says_in_words_stays_out_of_the_error_and_holds_no_control_characters() {
    let (answer, ..) = of(400, r#"{"code":"bad_request.x","message":"secret\u001b[31m name"}"#).await;
    let error = answer.expect_err("a refusal");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(matches!(error, Error::Refused { message, .. } if message == "secret[31m name"));
}
