//! Refreshing: one at a time, on disk before use, and no storm whatever the bank says.

use super::*;
use crate::monzo::Lane;
use crate::monzo::tests::{Act, json, scripted};

/// Rows of a login that was given at [`NOW`] and lives for thirty hours.
async fn ask(rig: &Rig) -> Result<(), Error> {
    rig.login.client().impatient().balance(&"acc_1".into(), Lane::Capture).await.map(drop)
}

const BALANCE: &str = r#"{"balance":1,"currency":"GBP"}"#;

/// The hours after which a token of thirty hours is due.
const DUE: i64 = 28 * 60;

#[tokio::test]
async fn a_token_is_refreshed_before_it_ends_by_one_form_without_a_header() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "oauth2client_1"),
        ("client_secret", "canary-client-secret"),
        ("refresh_token", "canary-refresh-1"),
    ];
    let form = form.map(|(key, value)| Matcher::UrlEncoded(key.into(), value.into()));
    let refreshed = server
        .mock("POST", "/oauth2/token")
        .match_header("authorization", Matcher::Missing)
        .match_body(Matcher::AllOf(form.to_vec()))
        .with_body(tokens(2, "user_1"))
        .expect(1)
        .create_async()
        .await;
    let bearer = |number| format!("Bearer canary-access-{number}");
    let old = server
        .mock("GET", "/balance")
        .match_query(Matcher::Any)
        .match_header("authorization", bearer(1).as_str());
    let old = old.with_body(BALANCE).expect(1).create_async().await;
    let new = server
        .mock("GET", "/balance")
        .match_query(Matcher::Any)
        .match_header("authorization", bearer(2).as_str());
    let new = new.with_body(BALANCE).expect(2).create_async().await;
    ask(&rig).await.expect("the first is fresh");
    rig.advance(DUE);
    ask(&rig).await.expect("refreshed");
    ask(&rig).await.expect("and used");
    for mock in [refreshed, old, new] {
        mock.assert_async().await;
    }
    let rig = rig.restart(&server.url()).await;
    let expires = rig.clock.now().checked_add(SignedDuration::from_hours(30)).ok();
    assert_eq!(rig.login.state().token_expires_at, expires, "the new pair is on disk");
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_refresh() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let refreshed =
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).expect(1).create_async().await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    rig.advance(DUE);
    let asked = futures_util::future::join_all((0..20).map(|_| ask(&rig))).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    refreshed.assert_async().await;
}

#[tokio::test]
async fn many_whose_token_is_refused_at_once_share_one_refresh() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let refreshed =
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).expect(1).create_async().await;
    let expired = r#"{"code":"unauthorized.bad_access_token.expired"}"#;
    let bearer = |number| format!("Bearer canary-access-{number}");
    let old = server
        .mock("GET", "/balance")
        .match_query(Matcher::Any)
        .match_header("authorization", bearer(1).as_str());
    old.with_status(401).with_body(expired).create_async().await;
    let new = server
        .mock("GET", "/balance")
        .match_query(Matcher::Any)
        .match_header("authorization", bearer(2).as_str());
    new.with_body(BALANCE).create_async().await;
    let asked = futures_util::future::join_all((0..20).map(|_| ask(&rig))).await;
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    refreshed.assert_async().await;
}

#[tokio::test]
async fn a_refresh_goes_on_when_its_caller_leaves() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let refreshed =
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).expect(1).create_async().await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    rig.advance(DUE);
    {
        let mut asking = std::pin::pin!(ask(&rig));
        // Far enough for the refresh to have begun, and no further.
        let begun = async {
            while !rig.login.0.vault.refresh_in_doubt().await.expect("an answer")
                && !refreshed.matched_async().await
            {}
        };
        tokio::select! {
            () = begun => {}
            asked = &mut asking => asked.expect("it was quicker"),
        }
    }
    rig.stop.cancel();
    rig.tracker.close();
    tokio::time::timeout(PATIENCE, rig.tracker.wait()).await.expect("the stop waits for it, and ends");
    let expires = rig.clock.now().checked_add(SignedDuration::from_hours(30)).ok();
    assert_eq!(rig.login.state().token_expires_at, expires);
    assert!(!rig.login.0.vault.refresh_in_doubt().await.expect("an answer"));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_token() {
    let bank = scripted(vec![
        json(200, &tokens(1, "user_1")),
        json(200, r#"{"accounts":[]}"#),
        Act::Cut,
        json(200, &tokens(2, "user_1")),
        json(200, BALANCE),
    ]);
    let bank = bank.await;
    let rig = Rig::new(&bank.url).await;
    rig.complete("code-1").await.expect("signed in");
    rig.becomes(LoginState::Ready).await;
    rig.advance(DUE);
    ask(&rig).await.expect("in the end");
    let asked = bank.asked.lock().expect("a lock").clone();
    let forms: Vec<_> = asked.iter().filter(|text| text.contains("grant_type=refresh_token")).collect();
    assert_eq!(forms.len(), 2);
    assert!(forms.iter().all(|form| form.contains("refresh_token=canary-refresh-1")), "{forms:?}");
    assert!(asked[4].contains("Bearer canary-access-2") || asked[4].contains("bearer canary-access-2"));
}

#[tokio::test]
async fn a_lost_answer_whose_token_was_used_up_ends_the_login_once() {
    let refused = r#"{"code":"unauthorized.bad_refresh_token","message":"Bad refresh token"}"#;
    let bank = scripted(vec![
        json(200, &tokens(1, "user_1")),
        json(200, r#"{"accounts":[]}"#),
        Act::Cut,
        json(401, refused),
        // The old token is asked about before anything is concluded.
        json(401, r#"{"code":"unauthorized.bad_access_token"}"#),
    ]);
    let bank = bank.await;
    let mut rig = Rig::new(&bank.url).await;
    rig.complete("code-1").await.expect("signed in");
    rig.becomes(LoginState::Ready).await;
    rig.events();
    rig.advance(DUE);
    assert!(matches!(ask(&rig).await, Err(Error::LoginNeeded { .. })));
    rig.becomes(LoginState::LoginNeeded).await;
    let asked = bank.asked.lock().expect("a lock").clone();
    assert!(asked[4].starts_with("GET /ping/whoami"), "{}", asked[4]);
    assert_eq!(asked.len(), 5);
}

#[tokio::test]
async fn an_old_token_that_still_lives_is_used_to_its_end() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let refused = r#"{"code":"unauthorized.bad_refresh_token","message":"Bad refresh token"}"#;
    let refreshed = token(&mut server, "refresh_token")
        .with_status(401)
        .with_body(refused)
        .expect(1)
        .create_async()
        .await;
    server.mock("GET", "/ping/whoami").with_body(r#"{"authenticated":true}"#).create_async().await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    rig.advance(DUE);
    ask(&rig).await.expect("the old one lives");
    ask(&rig).await.expect("and is not refreshed again");
    refreshed.assert_async().await;
    rig.becomes(LoginState::LoginNeeded).await;
    rig.advance(3 * 60);
    assert!(matches!(ask(&rig).await, Err(Error::LoginNeeded { .. })));
}

#[tokio::test]
async fn every_refusal_of_a_refresh_token_ends_the_login_and_is_not_repeated() {
    let oauth = |code: &str| {
        format!(
            r#"{{"error":"invalid_request","error_description":"d","error_params":{{"original_error_code":"{code}"}}}}"#
        )
    };
    let plain = |code: &str| format!(r#"{{"code":"{code}","message":"m"}}"#);
    for (status, body) in [
        (401, plain("unauthorized.bad_refresh_token")),
        (401, plain("unauthorized.bad_refresh_token.evicted")),
        (400, oauth("bad_request.refresh_token.evicted")),
        (400, oauth("bad_request.refresh_token.invalid")),
        (400, oauth("bad_request.refresh_token.expired")),
        (400, oauth("bad_request.bad_refresh_token")),
        (400, oauth("bad_request.invalid_grant")),
        (400, r#"{"error":"invalid_grant"}"#.to_owned()),
    ] {
        let mut server = bank().await;
        let rig = ready(&server).await;
        let refused = token(&mut server, "refresh_token")
            .with_status(status)
            .with_body(&body)
            .expect(1)
            .create_async()
            .await;
        let expired = r#"{"code":"unauthorized.bad_access_token.expired"}"#;
        let balance = server.mock("GET", "/balance").match_query(Matcher::Any);
        balance.with_status(401).with_body(expired).create_async().await;
        for _ in 0..3 {
            assert!(matches!(ask(&rig).await, Err(Error::LoginNeeded { .. })), "{body}");
        }
        rig.becomes(LoginState::LoginNeeded).await;
        refused.assert_async().await;
    }
}

#[tokio::test]
async fn a_client_that_the_bank_does_not_take_costs_no_login_and_is_mended_by_setup() {
    for (status, body) in [
        (401, r#"{"error":"invalid_client"}"#),
        (400, r#"{"code":"bad_request.could_not_authenticate","error":"invalid_request"}"#),
        (400, r#"{"code":"bad_request.client_mismatch","message":"m"}"#),
    ] {
        let mut server = bank().await;
        let rig = ready(&server).await;
        let refused = token(&mut server, "refresh_token").with_status(status).with_body(body);
        let refused = refused.expect(1).create_async().await;
        let expired = r#"{"code":"unauthorized.bad_access_token.expired"}"#;
        let old =
            server.mock("GET", "/balance").match_query(Matcher::Any).with_status(401).with_body(expired);
        let old = old.create_async().await;
        for _ in 0..3 {
            let asked = ask(&rig).await;
            assert!(matches!(asked, Err(Error::ClientRefused { .. })), "{body}: {asked:?}");
        }
        assert_eq!(rig.login.state().state, LoginState::Ready);
        assert!(rig.login.client_refused());
        refused.assert_async().await;
        refused.remove_async().await;
        old.remove_async().await;
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).create_async().await;
        let fresh = server.mock("GET", "/balance").match_query(Matcher::Any);
        let fresh = fresh.match_header("authorization", "Bearer canary-access-2").with_body(BALANCE);
        fresh.create_async().await;
        let secret = "mnzconf.canary-other-secret".into();
        rig.login.configure("oauth2client_1", secret).await.expect("kept");
        assert!(!rig.login.client_refused());
        rig.advance(DUE);
        ask(&rig).await.expect("refreshed with the new secret");
        assert!(!rig.login.client_refused());
    }
}

#[tokio::test]
async fn a_bank_in_trouble_does_not_cost_the_login() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let limited = token(&mut server, "refresh_token")
        .with_status(429)
        .with_header("retry-after", "600")
        .expect(1)
        .create_async()
        .await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    rig.advance(DUE);
    ask(&rig).await.expect("the old token still lives");
    ask(&rig).await.expect("and the bank is left alone");
    limited.assert_async().await;
    rig.advance(11);
    limited.remove_async().await;
    let refreshed =
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).expect(1).create_async().await;
    ask(&rig).await.expect("refreshed");
    refreshed.assert_async().await;
    assert_eq!(rig.login.state().state, LoginState::Ready);
}

/// Answers to a refresh that say nothing about the refresh token.
const BESIDES: [(u16, &str); 16] = [
    (200, "<html><body>Please sign in to the hotel's network</body></html>"),
    (200, ""),
    (200, r#"{"access_token":7,"refresh_token":[]}"#),
    (302, ""),
    (307, r#"{"code":"moved"}"#),
    (400, "<html><body>Bad Request</body></html>"),
    (400, ""),
    (400, r#"{"code":"bad_request.something_new","message":"m"}"#),
    (400, r#"{"error":"invalid_request"}"#),
    (401, ""),
    (401, r#"{"code":"unauthorized.bad_access_token"}"#),
    (403, "<html><body>Forbidden</body></html>"),
    (403, r#"{"code":"forbidden.refresh_token"}"#),
    (404, r#"{"code":"not_found"}"#),
    (451, "[]"),
    (405, ""),
];

#[tokio::test]
async fn only_the_banks_own_word_about_the_refresh_token_ends_a_login() {
    for (status, body) in BESIDES {
        let mut server = bank().await;
        let rig = ready(&server).await;
        let broken = token(&mut server, "refresh_token").with_status(status.into()).with_body(body);
        let broken = broken.create_async().await;
        let expired = r#"{"code":"unauthorized.bad_access_token.expired"}"#;
        let old = server.mock("GET", "/balance").match_query(Matcher::Any);
        let old = old.with_status(401).with_body(expired).create_async().await;
        for _ in 0..4 {
            let asked = ask(&rig).await;
            assert!(matches!(asked, Err(Error::Transient(_))), "{status} {body}: {asked:?}");
            rig.advance(2 * 24 * 60);
        }
        assert_eq!(rig.login.state().state, LoginState::Ready, "{status} {body}");
        assert_eq!(rig.login.state().error, None, "{status} {body}");
        broken.remove_async().await;
        old.remove_async().await;
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).create_async().await;
        server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
        ask(&rig).await.unwrap_or_else(|error| panic!("{status} {body}: {error}"));
    }
}

#[tokio::test]
async fn an_odd_detail_of_a_token_answer_costs_no_refresh() {
    for details in [
        r#""expires_in":108000"#,
        r#""token_type":"Bearer","expires_in":"108000""#,
        r#""token_type":7,"expires_in":108000.0"#,
        r#""token_type":"Bearer","expires_in":null,"scope":["a","b"]"#,
        r#""token_type":"Bearer","expires_in":-1,"scope":{},"user_id":7"#,
        r#""token_type":null,"expires_in":"soon","user_id":{"id":"user_1"},"client_id":false"#,
    ] {
        let answer =
            format!(r#"{{"access_token":"canary-access-2","refresh_token":"canary-refresh-2",{details}}}"#);
        let mut server = bank().await;
        let rig = ready(&server).await;
        let refreshed = token(&mut server, "refresh_token").with_body(&answer).expect(1).create_async().await;
        server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
        rig.advance(DUE);
        ask(&rig).await.unwrap_or_else(|error| panic!("{details}: {error}"));
        refreshed.assert_async().await;
        let pair = rig.login.0.tokens.pair().expect("tokens");
        assert_eq!(pair.access.expose_secret(), "canary-access-2", "{details}");
        assert!(pair.expires_at > rig.clock.now(), "{details}: {}", pair.expires_at);
    }
}

#[tokio::test]
async fn tokens_that_are_given_and_refused_at_once_cost_no_login_and_are_not_asked_for_in_a_storm() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let refreshed = token(&mut server, "refresh_token").with_body(tokens(2, "user_1"));
    let refreshed = refreshed.expect(1).create_async().await;
    let refused = server.mock("GET", "/balance").match_query(Matcher::Any).with_status(401);
    let refused = refused.with_body("").create_async().await;
    for _ in 0..5 {
        assert!(matches!(ask(&rig).await, Err(Error::Transient(_))));
    }
    refreshed.assert_async().await;
    assert_eq!(rig.login.state().state, LoginState::Ready);
    refused.remove_async().await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    ask(&rig).await.expect("the bank is well again, and the token was good all along");
}

#[tokio::test]
async fn a_token_that_is_refused_right_after_a_refresh_is_not_fought_for() {
    let mut server = bank().await;
    let mut rig = ready(&server).await;
    let refreshed =
        token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).expect(1).create_async().await;
    let evicted = r#"{"code":"unauthorized.bad_access_token.evicted"}"#;
    let balance = server.mock("GET", "/balance").match_query(Matcher::Any);
    balance.with_status(401).with_body(evicted).create_async().await;
    for _ in 0..5 {
        assert!(matches!(ask(&rig).await, Err(Error::LoginNeeded { .. })));
    }
    rig.becomes(LoginState::LoginNeeded).await;
    refreshed.assert_async().await;
    rig.hears("login_lost").await;
    assert!(rig.events().is_empty(), "it is told once");
}

#[tokio::test]
async fn a_refresh_in_flight_does_not_overwrite_a_new_login() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let slow = token(&mut server, "refresh_token").with_chunked_body(|body| {
        std::thread::sleep(Duration::from_millis(300));
        body.write_all(tokens(2, "user_1").as_bytes())
    });
    slow.create_async().await;
    let again = Matcher::UrlEncoded("code".into(), "code-3".into());
    server
        .mock("POST", "/oauth2/token")
        .match_body(again)
        .with_body(tokens(3, "user_1"))
        .create_async()
        .await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    rig.advance(DUE);
    let (asked, signed_in) = tokio::join!(ask(&rig), rig.complete("code-3"));
    asked.expect("it is answered");
    signed_in.expect("signed in");
    let pair = rig.login.0.tokens.pair().expect("tokens");
    assert_eq!(pair.access.expose_secret(), "canary-access-3");
    let kept = rig.login.0.vault.pair().await.expect("an answer").expect("tokens");
    assert_eq!(kept.access.expose_secret(), "canary-access-3");
}

#[tokio::test]
async fn a_stop_sends_nothing_more() {
    let bank = scripted(vec![
        json(200, &tokens(1, "user_1")),
        json(200, r#"{"accounts":[]}"#),
        Act::Cut,
        json(200, "{}"),
    ])
    .await;
    let rig = Rig::new(&bank.url).await;
    rig.complete("code-1").await.expect("signed in");
    rig.becomes(LoginState::Ready).await;
    rig.advance(DUE);
    rig.stop.cancel();
    // The old token would still do, but the bank of this test says nothing sensible with it.
    let _ = ask(&rig).await;
    rig.tracker.close();
    tokio::time::timeout(PATIENCE, rig.tracker.wait()).await.expect("it ends");
    let asked = bank.asked.lock().expect("a lock").clone();
    assert_eq!(asked.iter().filter(|text| text.contains("grant_type=refresh_token")).count(), 1);
}

#[tokio::test]
async fn waits_grow_from_a_minute_to_an_hour_while_refreshes_fail_and_nothing_is_asked_meanwhile() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let wanted = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(SignedDuration::from_mins);
    let broken = token(&mut server, "refresh_token").with_status(400).with_body("<html></html>");
    let broken = broken.expect(wanted.len()).create_async().await;
    // The token has ended, so that each request needs a refresh.
    rig.advance(31 * 60);
    for wanted in wanted {
        ask(&rig).await.expect_err("it cannot be refreshed");
        let trouble = rig.login.0.tokens.trouble().expect("why");
        assert_eq!(trouble.until().duration_since(rig.clock.now()), wanted);
        rig.clock.advance(wanted - SignedDuration::from_secs(1));
        ask(&rig).await.expect_err("it is not tried yet");
        rig.clock.advance(SignedDuration::from_secs(1));
    }
    broken.assert_async().await;
    assert_eq!(rig.login.state().state, LoginState::Ready);
    broken.remove_async().await;
    token(&mut server, "refresh_token").with_body(tokens(2, "user_1")).create_async().await;
    server.mock("GET", "/balance").match_query(Matcher::Any).with_body(BALANCE).create_async().await;
    ask(&rig).await.expect("refreshed");
    assert!(rig.login.0.tokens.trouble().is_none());
}
