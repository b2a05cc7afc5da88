"""Lets requests that schemathesis makes up name an app, a code and a ticket that are there.

It can't guess them, and would try nothing but refusals. Each gets a code of its own, brought to where the call belongs.
Deliberately absent: any opinion on what the server answers.
"""

import json
import os
import random
import urllib.request

import schemathesis

API = os.environ["SCANLOGIN_URL"] + "/api/v2/qrcode/"
TOKEN = os.environ["SCANLOGIN_TOKEN"]

# Not `random` itself, which begins anew with each request that is made up.
chance = random.Random(os.environ["SCANLOGIN_SEED"])

# What has happened to a code before a call.
BEFORE = {
    "check": [[], ["scanned"], ["scanned", "cancel"], ["scanned", "confirm"]],
    "scanned": [[], ["scanned"]],
    "confirm": [["scanned"], ["scanned", "confirm"]],
    "cancel": [["scanned"], ["scanned", "cancel"]],
    "userinfo": [["scanned", "confirm"]],
    "{file}": [[]],
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if chance.random() < 0.3:
        return
    # The only app is meant when none is named, and for an unknown one nothing else is looked at.
    case.headers.pop("x-authing-app-id", None)
    call = case.operation.path.rsplit("/", 1)[-1]
    if call not in BEFORE or chance.random() < 0.5:
        return
    code = ask("gene", {})
    for step in chance.choice(BEFORE[call]):
        ask(step, {"random": code["random"]})
    if call == "check":
        # Nobody acts while a poll is held, so that it would only take time.
        case.query = {**(case.query or {}), "random": code["random"], "wait": 0}
        case.headers["x-scanlogin-poll-token"] = code["pollToken"]
    elif call == "{file}":
        case.path_parameters = {"file": code["random"] + chance.choice([".png", ".svg"])}
    elif isinstance(case.body, dict):
        case.body = {**case.body, **subject(call, code)}


def subject(call, code):
    if call != "userinfo":
        return {"random": code["random"]}
    return {"ticket": ask("check?random=" + code["random"], None, code["pollToken"])["ticket"]}


def ask(call, body, poll_token=""):
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer " + TOKEN,
        "x-scanlogin-poll-token": poll_token,
    }
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(API + call, data, headers)) as answer:
        return json.load(answer)["data"]
