//! What each endpoint is asked, to the letter, and that its answer becomes facts.

use super::*;

const LANE: Lane = Lane::Capture;

#[tokio::test]
async fn accounts_are_asked_for_with_the_token_and_for_json() {
    let mut rig = Rig::new().await;
    let body = r#"{"accounts":[{"id":"acc_1","type":"uk_retail","closed":true,"created":"2021-06-12T09:30:00.000Z",
        "currency":"GBP","owners":[{"user_id":"user_1","preferred_name":"Ada Example","preferred_first_name":"Ada"}],
        "account_number":"12345678","new_key":{"deep":[1]}}]}"#;
    let asked = rig
        .server
        .mock("GET", "/accounts")
        .match_header("authorization", "Bearer token-1")
        .match_header("accept", "application/json")
        .match_query(Matcher::Missing)
        .with_body(body)
        .expect(1)
        .create_async()
        .await;
    let accounts = rig.client.accounts(LANE).await.expect("accounts");
    asked.assert_async().await;
    assert_eq!(
        (accounts[0].id.as_str(), accounts[0].closed, accounts[0].owners.as_slice()),
        ("acc_1", true, &["Ada".to_owned()][..])
    );
    assert!(accounts[0].raw.contains("new_key"), "the JSON is kept");
}

#[tokio::test]
async fn a_balance_is_asked_for_by_account() {
    let mut rig = Rig::new().await;
    let asked = rig
        .server
        .mock("GET", "/balance")
        .match_query(Matcher::UrlEncoded("account_id".into(), "acc_1".into()))
        .with_body(
            r#"{"balance":-40000,"total_balance":60000,"balance_including_flexible_savings":60000,"currency":"GBP",
            "spend_today":-3000,"local_currency":"","local_exchange_rate":"","local_spend":[{"spend_today":-3000,"currency":"GBP"}]}"#,
        )
        .create_async()
        .await;
    let balance = rig.client.balance(&"acc_1".into(), LANE).await.expect("a balance");
    asked.assert_async().await;
    assert_eq!((balance.balance, balance.total_balance, balance.spend_today), (-40000, 60000, -3000));
}

#[tokio::test]
async fn pots_are_asked_for_by_their_current_account() {
    let mut rig = Rig::new().await;
    let asked = rig
        .server
        .mock("GET", "/pots")
        .match_query(Matcher::UrlEncoded("current_account_id".into(), "acc_1".into()))
        .with_body(
            r#"{"pots":[{"id":"pot_1","name":"Bills","balance":41250,"currency":"GBP","goal_amount":100000,"type":"default",
            "current_account_id":"acc_1","round_up_multiplier":null,"created":"2022-01-05T10:00:00.000Z","deleted":false,
            "locked":false,"available_for_bills":true,"has_virtual_cards":true},
            {"id":"pot_2","balance":0,"deleted":true,"type":"something_new","locked":true,"locked_until":"2027-01-01T00:00:00Z"}]}"#,
        )
        .create_async()
        .await;
    let pots = rig.client.pots(&"acc_1".into(), LANE).await.expect("pots").pots;
    asked.assert_async().await;
    assert_eq!(
        (pots[0].goal, pots[0].available_for_bills, pots[0].has_virtual_cards),
        (Some(100_000), true, true)
    );
    assert_eq!(
        (pots[1].goal, pots[1].deleted, pots[1].locked, pots[1].kind.as_str()),
        (None, true, true, "something_new")
    );
}

#[tokio::test]
async fn transactions_are_always_asked_for_with_bounds_a_limit_and_merchants() {
    let mut rig = Rig::new().await;
    let since: Timestamp = "2025-01-01T00:00:00.123Z".parse().expect("an instant");
    let before: Timestamp = "2025-12-31T00:00:00Z".parse().expect("an instant");
    let query = |since: &str| {
        Matcher::AllOf(vec![
            Matcher::UrlEncoded("account_id".into(), "acc_1".into()),
            Matcher::UrlEncoded("since".into(), since.into()),
            Matcher::UrlEncoded("before".into(), "2025-12-31T00:00:00Z".into()),
            Matcher::UrlEncoded("limit".into(), "100".into()),
            Matcher::UrlEncoded("expand[]".into(), "merchant".into()),
        ])
    };
    let empty = r#"{"transactions":[]}"#;
    let by_time = rig
        .server
        .mock("GET", "/transactions")
        .match_query(query("2025-01-01T00:00:00.123Z"))
        .with_body(empty)
        .create_async()
        .await;
    let by_id = rig
        .server
        .mock("GET", "/transactions")
        .match_query(query("tx_1"))
        .with_body(empty)
        .create_async()
        .await;
    let account = "acc_1".into();
    let page =
        rig.client.transactions(&account, Since::Time(since), Some(before), LANE).await.expect("a page");
    assert!(page.is_empty());
    rig.client.transactions(&account, Since::Id("tx_1".into()), Some(before), LANE).await.expect("a page");
    by_time.assert_async().await;
    by_id.assert_async().await;
}

#[tokio::test]
async fn whoami_says_whose_token_it_is() {
    let mut rig = Rig::new().await;
    let body = r#"{"authenticated":true,"client_id":"oauth2client_1","user_id":"user_1"}"#;
    let asked = rig.get("/ping/whoami").with_body(body).create_async().await;
    let whoami = rig.client.whoami().await.expect("an answer");
    asked.assert_async().await;
    assert_eq!((whoami.authenticated, whoami.user_id), (true, Some("user_1".into())));
}

#[tokio::test]
async fn approval_is_asked_for_once_and_not_insisted_on() {
    let mut rig = Rig::new().await;
    let body = r#"{"code":"forbidden.insufficient_permissions","message":"no","params":{"client_id":"c","user_id":"u"}}"#;
    let asked = rig.get("/accounts").with_status(403).with_body(body).expect(1).create_async().await;
    assert_eq!(rig.client.approved().await, Err(Error::NotApproved));
    asked.assert_async().await;
}

#[tokio::test]
async fn the_banks_clock_is_learnt_from_every_answer() {
    let mut server = Server::new_async().await;
    let clock = Clock::bank();
    let date = "Wed, 01 Jan 2031 00:00:00 GMT";
    server.mock("GET", "/accounts").with_status(500).with_header("date", date).create_async().await;
    let http_client = http_client(&server.url(), Duration::from_secs(5), &clock);
    let sent = http_client.send("accounts", Request::new(Method::Get, "/accounts")).await;
    assert!(matches!(sent, Ok(Err(Verdict::Error(Error::Transient(_))))));
    assert!(clock.now().to_string().starts_with("2031-01-01T00:00:0"), "{}", clock.now());
}
