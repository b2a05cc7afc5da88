"""Changes some of the generated requests so that they name an existing app, code and ticket.

schemathesis can't guess the ids, so otherwise nearly all requests would be refused. Each changed request gets its own code,
in a state in which the call makes sense.
"""

import json
import os
import random
import urllib.request

import schemathesis

API = os.environ["SCANLOGIN_URL"] + "/api/v2/qrcode/"
# The app lists this address.
RETURN_URL = "https://www.example.com/login"
TOKEN = os.environ["SCANLOGIN_TOKEN"]

# schemathesis seeds the module `random` again for each request, so this generator is separate.
generator = random.Random(os.environ["SCANLOGIN_SEED"])

# The possible calls for a code before the generated call.
CALLS_BEFORE = {
    "check": [[], ["scanned"], ["scanned", "cancel"], ["scanned", "confirm"], ["open", "confirm"]],
    "scanned": [[], ["scanned"], ["open"]],
    "confirm": [["scanned"], ["scanned", "confirm"], ["open"], ["open", "confirm"]],
    "cancel": [["scanned"], ["scanned", "cancel"], ["open"]],
    "complete": [["open", "confirm"], ["open"], ["scanned", "confirm"]],
    "userinfo": [["scanned", "confirm"]],
    "{file}": [[]],
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if generator.random() < 0.3:
        return
    # Without the header, the request is for the only app. With an unknown app, the server checks nothing else.
    case.headers.pop("x-authing-app-id", None)
    call = case.operation.path.rsplit("/", 1)[-1]
    if call not in CALLS_BEFORE or generator.random() < 0.5:
        return
    code = send("gene", {"returnUrl": RETURN_URL})
    for previous in generator.choice(CALLS_BEFORE[call]):
        answer = approve(previous, code["random"])
        # The address ends with a point and the response code.
        code["responseCode"] = answer.get("returnUrl", "").rpartition(".")[2]
    if call == "complete":
        case.headers["x-scanlogin-poll-token"] = code["pollToken"]
    if call == "check":
        # A held poll would only take time, because no approver acts on the code.
        case.query = {**(case.query or {}), "random": code["random"], "wait": 0}
        case.headers["x-scanlogin-poll-token"] = code["pollToken"]
    elif call == "{file}":
        case.path_parameters = {"file": code["random"] + generator.choice([".png", ".svg"])}
    elif isinstance(case.body, dict):
        case.body = {**case.body, **fields_of(call, code)}


def approve(call, random):
    """Sends a call of an approver. `open` is `scanned` on the device of the page."""
    if call == "open":
        return send("scanned", {"random": random, "sameDevice": True})
    return send(call, {"random": random})


def fields_of(call, code):
    """The fields of the body that name the code or its ticket."""
    if call == "complete":
        return {"random": code["random"], "responseCode": code["responseCode"] or "none"}
    if call != "userinfo":
        return {"random": code["random"]}
    return {"ticket": send("check?random=" + code["random"], None, code["pollToken"])["ticket"]}


def send(call, body, poll_token=""):
    """Sends a request, and returns the `data` of the response."""
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer " + TOKEN,
        "x-scanlogin-poll-token": poll_token,
    }
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(API + call, data, headers)) as response:
        return json.load(response)["data"]
