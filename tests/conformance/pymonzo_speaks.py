"""Uses pymonzo against the simulated bank, as its author meant it to be used against the real one.

What pymonzo parses is compared with the bank's open books. Says what it checked; any failure ends it.
"""

import json
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import webbrowser
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from pymonzo import MonzoAPI
from pymonzo.exceptions import MonzoAccessDenied, MonzoAPIError

BANK = sys.argv[1]
CLIENT_ID = "oauth2client_0000SandboxClient0001"
CLIENT_SECRET = "mnzconf.sandbox-secret"


def say(what):
    print(f"ok: {what}", flush=True)


def same(what, found, expected):
    if found != expected:
        sys.exit(f"FAILED: {what}: {found!r} is not {expected!r}")


def control(call, **args):
    request = urllib.request.Request(
        f"{BANK}/sandbox/{call}", method="POST", data=json.dumps(args).encode()
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def browse(url):
    """What a person does with the page: signs in, and is led back to the client."""

    def follow():
        redirect = control("sign-in", url=url)["redirect"]
        for _ in range(200):
            try:
                urllib.request.urlopen(redirect).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                # The client listens only after it has opened the browser.
                time.sleep(0.05)

    threading.Thread(target=follow, daemon=True).start()
    return True


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def log_in():
    MonzoAPI.api_url = BANK
    MonzoAPI.authorization_endpoint = f"{BANK}/"
    MonzoAPI.token_endpoint = f"{BANK}/oauth2/token"
    webbrowser.open = browse
    token = MonzoAPI.authorize(
        CLIENT_ID,
        CLIENT_SECRET,
        redirect_uri=f"http://localhost:{free_port()}/pymonzo",
    )
    same("the kind of token", token["token_type"], "Bearer")
    say("a login, with the browser's part played")
    client = MonzoAPI()
    same("who it is", client.whoami().authenticated, True)
    try:
        client.accounts.list()
        sys.exit("FAILED: data before approval")
    except MonzoAccessDenied:
        say("no data before approval")
    same("approvals", control("approve")["approved"], 1)
    return client


def books():
    return control("ledger")


def check_accounts(client, ledger):
    accounts = client.accounts.list()
    listed = {account["id"]: account for account in ledger["accounts"]}
    visible = {id for id, account in listed.items() if account["type"] != "hidden"}
    # Somebody else's account is in the books, but not in the list.
    strangers = visible - {account.id for account in accounts}
    same("accounts of others", len(strangers), 1)
    same("hidden accounts", [a.id for a in accounts if listed[a.id]["type"] == "hidden"], [])
    for account in accounts:
        same("type", account.type, listed[account.id]["type"])
        same("closed", account.closed, listed[account.id]["closed"])
    say(f"{len(accounts)} accounts")
    return accounts


def check_balances(client, accounts, ledger):
    pots = ledger["pots"]
    for account in accounts:
        if account.type == "uk_monzo_flex_backing_loan":
            continue
        own = next(a for a in ledger["accounts"] if a["id"] == account.id)
        balance = client.balance.get(account.id)
        same("balance", balance.balance, own["balance"])
        in_pots = sum(pot["balance"] for pot in pots if pot["current_account_id"] == account.id)
        same("total balance", balance.total_balance, own["balance"] + in_pots)
        same("currency", balance.currency, "GBP")
    say("balances, and totals with pots")


def check_pots(client, account, ledger):
    expected = {p["id"]: p["balance"] for p in ledger["pots"] if p["current_account_id"] == account.id}
    pots = client.pots.list(account.id)
    same("pots", {pot.id: pot.balance for pot in pots}, expected)
    same("a deleted pot", sum(pot.deleted for pot in pots), 1)
    same("a locked pot", sum(pot.locked for pot in pots), 1)
    say(f"{len(pots)} pots")
    return {pot.name: pot for pot in pots}


def read_all(client, account_id, start, end):
    """Pages by time, as pymonzo can, year by year; what comes twice is one."""
    rows, pages = {}, 0
    since = start
    while since < end:
        before = min(since + timedelta(days=364), end)
        at = since
        while True:
            page = client.transactions.list(
                account_id, expand_merchant=True, since=at, before=before, limit=100
            )
            pages += 1
            new = [row for row in page if row.id not in rows]
            rows.update((row.id, row) for row in page)
            if len(page) < 100:
                break
            if not new:
                sys.exit("FAILED: a page brought nothing new")
            at = page[-1].created
        since = before
    return rows, pages


def check_transactions(client, account, ledger):
    own = next(a for a in ledger["accounts"] if a["id"] == account.id)
    end = datetime.now(timezone.utc) + timedelta(minutes=1)
    rows, pages = read_all(client, account.id, account.created, end)
    expected = {row["id"]: row for row in own["transactions"]}
    same("ids", sorted(rows), sorted(expected))
    for id, row in rows.items():
        same("amount", row.amount, expected[id]["amount"])
        same("settled", row.settled is None, expected[id]["settled"] == "")
        same("decline reason", row.decline_reason, expected[id].get("decline_reason"))
        same("metadata", row.metadata, expected[id]["metadata"])
        merchant = expected[id]["merchant"]
        same("merchant", row.merchant and row.merchant.name, merchant and merchant["name"])
    total = sum(row.amount for row in rows.values() if row.decline_reason is None)
    same("the sum of all rows", total, own["balance"])
    say(f"{len(rows)} transactions of three years in {pages} pages, whose sum is the balance")
    one = next(iter(rows))
    same("one transaction", client.transactions.get(one).id, one)
    noted = client.transactions.annotate(one, {"notes": "conformance"})
    same("its note", noted.notes, "conformance")
    say("one transaction, and a note on it")


def check_hidden(client, ledger):
    hidden = next(a for a in ledger["accounts"] if a["type"] == "hidden" and len(a["transactions"]) > 50)
    month = datetime.now(timezone.utc) - timedelta(days=30)
    page = client.transactions.list(hidden["id"], since=month, limit=100)
    same("rows of a hidden account", len(page) > 5, True)
    try:
        old = datetime.now(timezone.utc) - timedelta(days=91)
        client.transactions.list(hidden["id"], since=old)
        sys.exit("FAILED: a hidden account beyond ninety days")
    except MonzoAccessDenied:
        say("a pot's hidden account, and its ninety days")


def check_moves(client, account, pot):
    before = client.balance.get(account.id).balance
    into = client.pots.deposit(1234, pot.id, account_id=account.id, dedupe_id="conformance-1")
    same("after the deposit", into.balance, pot.balance + 1234)
    again = client.pots.deposit(1234, pot.id, account_id=account.id, dedupe_id="conformance-1")
    same("after the same deposit again", again.balance, pot.balance + 1234)
    same("the account", client.balance.get(account.id).balance, before - 1234)
    out = client.pots.withdraw(234, pot.id, account_id=account.id)
    same("after the withdrawal", out.balance, pot.balance + 1000)
    same("the account", client.balance.get(account.id).balance, before - 1000)
    for amount, code in [(10**12, "insufficient_funds"), (0, "bad_param.amount")]:
        try:
            client.pots.deposit(amount, pot.id, account_id=account.id)
            sys.exit(f"FAILED: a deposit of {amount}")
        except MonzoAPIError as error:
            same("the refusal", code in str(error), True)
    say("a deposit, the same again, a withdrawal, and refusals")


def check_refresh(client):
    control("expire")
    client.session.token["expires_at"] = int(time.time()) - 10
    before = client.session.token["access_token"]
    same("who it is", client.whoami().authenticated, True)
    same("another token", client.session.token["access_token"] != before, True)
    say("an expired token, refreshed by the client")


def main():
    print(f"pymonzo {version('pymonzo')} against {BANK}", flush=True)
    client = log_in()
    ledger = books()
    accounts = check_accounts(client, ledger)
    check_balances(client, accounts, ledger)
    personal = next(a for a in accounts if a.type == "uk_retail" and not a.closed)
    pots = check_pots(client, personal, ledger)
    check_transactions(client, personal, ledger)
    check_hidden(client, ledger)
    check_moves(client, personal, pots["Holiday"])
    check_refresh(client)
    print("all is well", flush=True)


main()
