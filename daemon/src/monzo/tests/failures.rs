//! No answer, half an answer, and patience.

use super::*;

async fn read(bank: &Scripted) -> Result<usize, Error> {
    let (client, _) = client(&bank.url);
    client.accounts(Lane::Capture).await.map(|accounts| accounts.len())
}

#[tokio::test]
async fn a_bank_that_cannot_be_reached_was_not_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let sent = Https::new(&base, Duration::from_secs(5))
        .expect("a transport")
        .send(Request::new(Method::Post, "/x"))
        .await;
    assert!(matches!(sent, Err(Failure::NotSent(_))), "{sent:?}");
}

#[tokio::test]
async fn a_cut_connection_leaves_it_unknown_whether_the_bank_did_it() {
    let bank = scripted(vec![Act::Cut]).await;
    let sent = Https::new(&bank.url, Duration::from_secs(5))
        .expect("a transport")
        .send(Request::new(Method::Put, "/x"))
        .await;
    assert!(matches!(sent, Err(Failure::Unknown(_))), "{sent:?}");
    assert_eq!(bank.asked.lock().expect("a lock").len(), 1, "nothing is repeated behind our back");
}

#[tokio::test]
async fn a_bank_that_hangs_is_given_up_in_time_and_without_its_address() {
    let bank = scripted(vec![Act::Hang]).await;
    let transport = Https::new(&bank.url, Duration::from_millis(300)).expect("a transport");
    let sent = transport.send(Request::new(Method::Get, "/balance?account_id=acc_secret")).await;
    assert_eq!(sent, Err(Failure::Unknown("it took too long".into())));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_answer() {
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"accounts\":[]}".to_owned();
    let bank = scripted(vec![Act::Answer(text)]).await;
    assert!(matches!(read(&bank).await, Err(Error::Transient(_))));
}

#[tokio::test]
async fn a_body_larger_than_any_answer_is_refused() {
    let mut rig = Rig::new().await;
    rig.get("/accounts").with_body(" ".repeat((8 << 20) + 1)).create_async().await;
    let answer = rig.client.accounts(Lane::Capture).await;
    assert!(matches!(&answer, Err(Error::Transient(why)) if why.contains("larger")), "{answer:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let mut rig = Rig::new().await;
    let elsewhere = rig.get("/elsewhere").with_body(r#"{"accounts":[]}"#).expect(0).create_async().await;
    rig.get("/accounts").with_status(302).with_header("location", "/elsewhere").create_async().await;
    assert!(matches!(rig.client.accounts(Lane::Capture).await, Err(Error::Foreign { status: 302 })));
    elsewhere.assert_async().await;
}

#[tokio::test]
async fn a_read_is_repeated_until_it_succeeds() {
    let bank = scripted(vec![json(500, "{}"), Act::Cut, json(200, r#"{"accounts":[{"id":"acc_1"}]}"#)]).await;
    let keys = Arc::new(Keys::default());
    let http_client = http_client(&bank.url, Duration::from_secs(5), &Clock::system());
    let patient = Client::new(http_client, keys, Arc::new(RateLimiter::new(4)));
    assert_eq!(patient.accounts(Lane::Capture).await.expect("in the end").len(), 1);
    assert_eq!(bank.asked.lock().expect("a lock").len(), 3);
}

#[tokio::test]
async fn a_429_slows_everybody_down_for_as_long_as_the_bank_says() {
    let limited =
        "HTTP/1.1 429 X\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned();
    let bank = scripted(vec![Act::Answer(limited), json(200, r#"{"accounts":[]}"#)]).await;
    let keys = Arc::new(Keys::default());
    let http_client = http_client(&bank.url, Duration::from_secs(5), &Clock::system());
    let patient = Client::new(http_client, keys, Arc::new(RateLimiter::new(4)));
    let began = std::time::Instant::now();
    assert_eq!(patient.accounts(Lane::Capture).await, Ok(vec![]));
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!(patient.rate_limiter().at_once(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_had_sends_nothing() {
    struct Nobody;
    impl Bearer for Nobody {
        fn token(&self) -> Boxed<'_, Result<SecretString, Error>> {
            Box::pin(async { Err(Error::LoginNeeded { reason: "nobody is logged in".into() }) })
        }
        fn renewed(&self, _: SecretString) -> Boxed<'_, Result<SecretString, Error>> {
            self.token()
        }
        fn refused(&self, _: &SecretString, code: &str) -> Error {
            Error::LoginNeeded { reason: code.to_owned() }
        }
    }
    let bank = scripted(vec![json(200, r#"{"accounts":[]}"#)]).await;
    let http_client = http_client(&bank.url, Duration::from_secs(5), &Clock::system());
    let client = Client::new(http_client, Arc::new(Nobody), Arc::new(RateLimiter::new(4)));
    assert!(matches!(client.accounts(Lane::Capture).await, Err(Error::LoginNeeded { .. })));
    assert!(bank.asked.lock().expect("a lock").is_empty());
}
