//! What a capture of 200,000 rows costs: run by hand, because it takes minutes
//! (`cargo test --release -p monzod --lib weight -- --ignored --nocapture`).

use std::fmt::Write as _;

use super::*;
use crate::monzo::{Boxed, Failure, Request, Response, Transport};

/// Rows of the one account.
const ROWS: i64 = 200_000;

/// Minutes between two rows.
const APART: i64 = 7;

/// A bank whose rows are made when they are asked for.
struct Endless;

fn created(index: i64) -> Timestamp {
    NOW.checked_sub(SignedDuration::from_mins((ROWS - index) * APART)).expect("in range")
}

fn page(since: &str, before: Timestamp) -> String {
    let first = match since.strip_prefix("tx_") {
        Some(index) => index.parse::<i64>().expect("a number") + 1,
        None => {
            let since: Timestamp = since.parse().expect("an instant");
            let behind = NOW.duration_since(since).as_secs();
            (ROWS - behind / (APART * 60)).max(0)
        }
    };
    let mut text = String::from(r#"{"transactions":["#);
    for (count, index) in (first..ROWS).take(100).enumerate() {
        let at = created(index);
        if at >= before {
            break;
        }
        let comma = if count == 0 { "" } else { "," };
        // About as large as the bank's rows are, and as varied.
        let noise: String = (0..40)
            .map(|step| char::from(b'a' + u8::try_from((index * 31 + step * 17) % 26).unwrap_or(0)))
            .collect();
        let _ = write!(
            text,
            r#"{comma}{{"id":"tx_{index:08}","account_id":"acc_1","created":"{at}","updated":"{at}","settled":"{at}",
            "amount":-1{index},"currency":"GBP","local_amount":-1{index},"local_currency":"GBP","description":"{noise}","notes":"",
            "category":"groceries","categories":{{"groceries":-1{index}}},"scheme":"mastercard","amount_is_pending":false,
            "merchant":{{"id":"merch_{}","group_id":"grp_1","name":"Shop {}","logo":"https://logo.test/{noise}.jpg","emoji":"🛒",
            "category":"groceries","online":false,"atm":false,"disable_feedback":false,"metadata":{{"website":"https://{noise}.test"}},
            "address":{{"short_formatted":"{noise}","city":"Leeds","region":"","country":"GBR","postcode":"LS1 1AA","latitude":53.79,
            "longitude":-1.54,"zoom_level":17,"approximate":false,"formatted":"{noise}","address":"1 Street"}}}},
            "metadata":{{"ledger_insertion_id":"entryset_{index:020}","mastercard_auth_message_id":"mcauthmsg_{index:020}",
            "mastercard_lifecycle_id":"mclifecycle_{index:020}","mcc":"5411","mastercard_card_id":"mccard_1"}},"labels":null,
            "attachments":null,"international":null,"is_load":false,"counterparty":{{}},"dedupe_id":"mclifecycle:{noise}",
            "originator":false,"include_in_spending":true,"can_be_made_subscription":true,"can_split_the_bill":true,"fees":{{}}}}"#,
            index % 500,
            index % 500
        );
    }
    text.push_str("]}");
    text
}

impl Transport for Endless {
    fn send(&self, request: Request) -> Boxed<'_, Result<Response, Failure>> {
        Box::pin(async move {
            let value = |key: &str| {
                request
                    .query
                    .iter()
                    .find(|(name, _)| *name == key)
                    .map(|(_, value)| value.clone())
                    .unwrap_or_default()
            };
            let body = match request.path.as_str() {
                "/oauth2/token" => r#"{"access_token":"a","refresh_token":"r","expires_in":9000000,"token_type":"Bearer","user_id":"user_1"}"#.to_owned(),
                "/accounts" => format!(r#"{{"accounts":[{{"id":"acc_1","type":"uk_retail","created":"{}","currency":"GBP"}}]}}"#, created(0)),
                "/balance" => r#"{"balance":0,"currency":"GBP"}"#.to_owned(),
                "/pots" => r#"{"pots":[]}"#.to_owned(),
                _ => page(&value("since"), value("before").parse().unwrap_or(Timestamp::MAX)),
            };
            Ok(Response { status: 200, body: body.into_bytes(), ..Response::default() })
        })
    }
}

/// Kilobytes of memory that belong to this process alone, now and at most.
fn memory() -> (String, String) {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim().to_owned()
    };
    (line("RssAnon:"), line("VmHWM:"))
}

#[ignore = "takes minutes; a measurement for a person to read"]
#[test]
fn a_capture_of_200_000_rows_keeps_its_memory_and_its_pace() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).max_blocking_threads(8).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let rig = Rig::over(Arc::new(Endless)).await;
        let began = std::time::Instant::now();
        rig.sign_in().await;
        let mut watch = rig.handle.watch();
        let mut told = 0;
        loop {
            watch.changed().await.expect("a loop");
            let progress = watch.borrow_and_update().clone();
            let Some(progress) = progress else { continue };
            if progress.rows / 20_000 > told {
                told = progress.rows / 20_000;
                println!("{} rows after {:?}, memory {:?}", progress.rows, began.elapsed(), memory());
            }
            if let Some(sync) = progress.sync {
                done(&sync);
                break;
            }
        }
        println!("done after {:?}, memory {:?}", began.elapsed(), memory());
        let began = std::time::Instant::now();
        done(&rig.sync(false).await);
        println!("an incremental sync after it: {:?}, memory {:?}", began.elapsed(), memory());
        let count = rig.store.read(|reader| reader.extent()).await.expect("an answer").0;
        assert_eq!(i64::try_from(count), Ok(ROWS));
    });
}
