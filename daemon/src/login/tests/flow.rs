//! Signing in: what is sent, what is refused, and what survives.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

#[tokio::test]
async fn a_code_becomes_a_login_by_one_form_without_a_header() {
    let mut server = Server::new_async().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "oauth2client_1"),
        ("client_secret", "canary-client-secret"),
        ("redirect_uri", "http://localhost:1/oauth/callback"),
        ("code", "code-1"),
    ];
    let form = form.map(|(key, value)| Matcher::UrlEncoded(key.into(), value.into()));
    let asked = server
        .mock("POST", "/oauth2/token")
        .match_header("authorization", Matcher::Missing)
        .match_header("content-type", "application/x-www-form-urlencoded")
        .match_query(Matcher::Missing)
        .match_body(Matcher::AllOf(form.to_vec()))
        .with_body(tokens(1, "user_1"))
        .expect(1)
        .create_async()
        .await;
    let bearer = "Bearer canary-access-1";
    server
        .mock("GET", "/accounts")
        .match_header("authorization", bearer)
        .with_body(r#"{"accounts":[]}"#)
        .create_async()
        .await;
    let mut rig = Rig::new(&server.url()).await;
    let shown = rig.complete("code-1").await.expect("signed in");
    assert_eq!(shown.user_id, Some("user_1".into()));
    rig.becomes(LoginState::Ready).await;
    asked.assert_async().await;
    assert_eq!(rig.login.approved_at(), Some(NOW));
    assert_eq!(rig.login.state().token_expires_at, NOW.checked_add(SignedDuration::from_hours(30)).ok());
    rig.hears("logged_in").await;
    rig.hears("login_approved").await;
}

#[tokio::test]
async fn the_page_to_open_names_the_client_and_a_state_that_is_never_the_same() {
    let server = bank().await;
    let rig = Rig::new(&server.url()).await;
    let first = rig.login.begin(false).await.expect("a page");
    assert!(first.url.starts_with("https://auth.bank.test/?"), "{}", first.url);
    for part in [
        "response_type=code",
        "client_id=oauth2client_1",
        "redirect_uri=http%3A%2F%2Flocalhost%3A1%2Foauth%2Fcallback",
    ] {
        assert!(first.url.contains(part), "{}", first.url);
    }
    assert!(!first.url.contains("secret") && !first.url.contains("code_challenge"), "{}", first.url);
    assert_ne!(rig.begin().await, rig.begin().await);
    assert_eq!(rig.login.state().state, LoginState::WaitingBrowser);
}

#[tokio::test]
async fn a_wrong_state_ends_nothing_and_a_used_one_is_worth_nothing() {
    let server = bank().await;
    let rig = Rig::new(&server.url()).await;
    let state = rig.begin().await;
    for wrong in ["code-1 x", "http://localhost:1/oauth/callback?error=access_denied&state=x", "nonsense"] {
        assert!(matches!(rig.login.complete(wrong).await, Err(LoginError::Mismatch(_))), "{wrong}");
    }
    let pasted = format!("code=code-1&state={state}");
    rig.login.complete(&pasted).await.expect("signed in");
    assert!(matches!(rig.login.complete(&pasted).await, Err(LoginError::Mismatch(_))));
}

#[tokio::test]
async fn a_page_that_is_too_old_is_not_waited_for() {
    let server = bank().await;
    let rig = Rig::new(&server.url()).await;
    let state = rig.begin().await;
    assert_eq!(rig.login.state().state, LoginState::WaitingBrowser);
    rig.advance(31);
    assert_eq!(rig.login.state().state, LoginState::None, "nobody can sign in there any more");
    assert!(matches!(rig.login.complete(&format!("code-1 {state}")).await, Err(LoginError::Mismatch(_))));
}

#[tokio::test]
async fn every_refusal_of_a_code_says_so_and_keeps_nothing() {
    for body in [
        r#"{"code":"bad_request.client_not_enabled","message":"m"}"#,
        r#"{"code":"bad_request.could_not_authenticate","error":"invalid_request"}"#,
        r#"{"error":"invalid_client"}"#,
        r#"{"code":"bad_request.bad_param.redirect_uri"}"#,
        r#"{"code":"bad_request.authorization_code.invalid"}"#,
        r#"{"code":"bad_request.bad_param.invalid_code"}"#,
        "",
    ] {
        let mut server = Server::new_async().await;
        token(&mut server, "authorization_code").with_status(400).with_body(body).create_async().await;
        let rig = Rig::new(&server.url()).await;
        let refused = rig.complete("code-1").await;
        assert!(refused.is_err(), "{body}");
        assert_eq!(rig.login.state().state, LoginState::None, "{body}");
        let kept = rig.store.read(|reader| Ok((reader.secret("tokens")?, reader.user_id()?))).await;
        assert_eq!(kept.expect("an answer"), (None, None), "{body}");
    }
}

#[tokio::test]
async fn an_answer_without_tokens_is_no_login() {
    for body in ["{}", "<html>", r#"{"access_token":7}"#] {
        let mut server = Server::new_async().await;
        token(&mut server, "authorization_code").with_body(body).create_async().await;
        let rig = Rig::new(&server.url()).await;
        assert!(matches!(rig.complete("code-1").await, Err(LoginError::Bank(Error::Transient(_)))), "{body}");
    }
}

#[tokio::test]
async fn two_tokens_are_a_login_whatever_else_the_answer_holds() {
    for details in [
        "",
        r#","token_type":"Bearer","expires_in":"108000","user_id":"user_1""#,
        r#","token_type":"mac","expires_in":108000,"user_id":7"#,
        r#","scope":["accounts","pots"],"expires_in":1e5,"user_id":null"#,
    ] {
        let answer = format!(r#"{{"access_token":"canary-a","refresh_token":"canary-r"{details}}}"#);
        let mut server = Server::new_async().await;
        token(&mut server, "authorization_code").with_body(&answer).create_async().await;
        server.mock("GET", "/accounts").with_body(r#"{"accounts":[]}"#).create_async().await;
        let me = r#"{"authenticated":true,"user_id":"user_1"}"#;
        server.mock("GET", "/ping/whoami").with_body(me).create_async().await;
        let rig = Rig::new(&server.url()).await;
        let shown = rig.complete("code-1").await.unwrap_or_else(|error| panic!("{details}: {error}"));
        assert_eq!(shown.user_id, Some("user_1".into()), "{details}");
    }
}

#[tokio::test]
async fn a_login_that_is_not_approved_waits_and_survives_a_restart() {
    let mut server = Server::new_async().await;
    token(&mut server, "authorization_code").with_body(tokens(1, "user_1")).create_async().await;
    let no = r#"{"code":"forbidden.insufficient_permissions","message":"no"}"#;
    let not_yet = server
        .mock("GET", "/accounts")
        .with_status(403)
        .with_body(no)
        .expect_at_least(2)
        .create_async()
        .await;
    let rig = Rig::new(&server.url()).await;
    let shown = rig.complete("code-1").await.expect("signed in");
    assert_eq!(shown.state, LoginState::WaitingApproval);
    let rig = rig.restart(&server.url()).await;
    assert_eq!(rig.login.state().state, LoginState::WaitingApproval);
    let asked_again = async {
        while !not_yet.matched_async().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked_again).await.expect("it goes on asking");
    not_yet.remove_async().await;
    server.mock("GET", "/accounts").with_body(r#"{"accounts":[]}"#).create_async().await;
    rig.becomes(LoginState::Ready).await;
}

#[tokio::test]
async fn a_sync_that_meets_the_new_token_too_early_does_not_end_the_login() {
    let mut server = Server::new_async().await;
    token(&mut server, "authorization_code").with_body(tokens(1, "user_1")).create_async().await;
    let no = r#"{"code":"forbidden.insufficient_permissions","message":"no"}"#;
    server.mock("GET", "/accounts").with_status(403).with_body(no).create_async().await;
    let rig = Rig::new(&server.url()).await;
    rig.complete("code-1").await.expect("signed in");
    rig.login.lapsed().await;
    assert_eq!(rig.login.state().state, LoginState::WaitingApproval);
}

#[tokio::test]
async fn another_persons_login_is_refused_and_revoked_and_the_first_one_stays() {
    let mut server = bank().await;
    let mut rig = ready(&server).await;
    let theirs = Matcher::AllOf(vec![Matcher::UrlEncoded("code".into(), "code-2".into())]);
    server
        .mock("POST", "/oauth2/token")
        .match_body(theirs)
        .with_body(tokens(2, "user_2"))
        .create_async()
        .await;
    let revoked = server
        .mock("POST", "/oauth2/logout")
        .match_header("authorization", "Bearer canary-access-2")
        .with_body("{}")
        .expect(1)
        .create_async()
        .await;
    assert!(matches!(rig.complete("code-2").await, Err(LoginError::AnotherPerson)));
    revoked.assert_async().await;
    assert_eq!(
        (rig.login.state().state, rig.login.state().user_id),
        (LoginState::Ready, Some("user_1".into()))
    );
    assert_eq!(rig.events(), ["login_refused"]);
    let rig = rig.restart(&server.url()).await;
    assert_eq!(rig.login.state().state, LoginState::Ready);
}

#[tokio::test]
async fn where_the_exchange_does_not_say_whose_it_is_the_bank_is_asked() {
    let mut server = Server::new_async().await;
    let nameless = r#"{"access_token":"canary-access-1","refresh_token":"canary-refresh-1","token_type":"Bearer","expires_in":60}"#;
    token(&mut server, "authorization_code").with_body(nameless).create_async().await;
    let body = r#"{"authenticated":true,"client_id":"oauth2client_1","user_id":"user_7"}"#;
    server.mock("GET", "/ping/whoami").with_body(body).create_async().await;
    let rig = Rig::new(&server.url()).await;
    assert_eq!(rig.complete("code-1").await.expect("signed in").user_id, Some("user_7".into()));
}

#[tokio::test]
async fn a_logout_revokes_forgets_and_is_an_answer_when_repeated() {
    let mut server = bank().await;
    let rig = ready(&server).await;
    let revoked =
        server.mock("POST", "/oauth2/logout").match_header("authorization", "Bearer canary-access-1");
    let revoked = revoked.with_body("{}").expect(1).create_async().await;
    let out = rig.login.logout().await.expect("logged out");
    assert!(out.revoked && out.changed);
    let again = rig.login.logout().await.expect("an answer");
    assert!(!again.revoked && !again.changed);
    revoked.assert_async().await;
    let kept = rig.store.read(|reader| Ok((reader.secret("tokens")?, reader.user_id()?))).await;
    assert_eq!(kept.expect("an answer"), (None, Some("user_1".into())), "whose history it is stays known");
    assert!(matches!(
        rig.login.client().accounts(crate::monzo::Lane::Capture).await,
        Err(Error::LoginNeeded { .. })
    ));
}

#[tokio::test]
async fn permissions_that_were_refreshed_in_the_app_begin_the_ninety_days_again() {
    let server = bank().await;
    let mut rig = ready(&server).await;
    rig.advance(60 * 24 * 80);
    rig.login.remind().await;
    rig.login.remind().await;
    assert_eq!(rig.events(), ["access_ending"], "each warning once");
    rig.login.lapsed().await;
    rig.login.lapsed().await;
    let shown = rig.login.renew().await.expect("renewed");
    let ends = rig.clock.now().checked_add(SignedDuration::from_hours(90 * 24)).ok();
    assert_eq!((shown.state, shown.access_ends_at), (LoginState::Ready, ends));
    assert_eq!(rig.events(), ["consent_lapsed", "access_renewed"]);
}

#[tokio::test]
async fn clients_that_cannot_work_are_refused_before_they_are_kept() {
    let server = bank().await;
    let rig = Rig::new(&server.url()).await;
    for (id, secret) in [
        ("client_1", "mnzconf.abc"),
        ("oauth2client_1 ", "mnzconf.abc"),
        ("oauth2client_1", "mnzpub.abc"),
        ("oauth2client_1", ""),
        ("oauth2client_1", "with space"),
    ] {
        let refused = rig.login.configure(id, secret.into()).await;
        assert!(matches!(refused, Err(LoginError::UnfitClient(_))), "{id} {secret}");
    }
    assert!(rig.login.configure("oauth2client_2", "mnzconf.abc".into()).await.expect("kept").changed);
    assert!(!rig.login.configure("oauth2client_2", "mnzconf.abc".into()).await.expect("a repeat").changed);
}

/// What a browser is shown at an address of this port; nothing once nobody listens there.
async fn visit(port: u16, query: &str) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let request = format!("GET /oauth/callback?{query} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await.ok()?;
    Some(page).filter(|page| !page.is_empty())
}

#[tokio::test]
async fn for_a_minute_after_the_code_the_address_answers_whoever_comes_back_and_no_longer() {
    let server = bank().await;
    let rig = Rig::new(&server.url()).await;
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    rig.settings.send_modify(|settings| settings.redirect.0 = port);
    let query = format!("code=code-1&state={}", rig.begin().await);
    let signed_in = visit(port, &query).await.expect("it listens");
    assert!(signed_in.starts_with("HTTP/1.1 200"), "{signed_in}");
    rig.becomes(LoginState::Ready).await;
    pass(30).await;
    let again = visit(port, &query).await.expect("it still listens");
    assert!(again.contains("You are logged in"), "{again}");
    pass(31).await;
    let gone = async { while visit(port, &query).await.is_some() {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("nobody listens any more");
}

/// So many seconds pass at once.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}
