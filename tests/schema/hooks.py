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
TOKEN = os.environ["SCANLOGIN_TOKEN"]

# schemathesis seeds the module `random` again for each request, so this generator is separate.
generator = random.Random(os.environ["SCANLOGIN_SEED"])

# The possible calls for a code before the generated call.
CALLS_BEFORE = {
    "check": [[], ["scanned"], ["scanned", "cancel"], ["scanned", "confirm"]],
    "scanned": [[], ["scanned"]],
    "confirm": [["scanned"], ["scanned", "confirm"]],
    "cancel": [["scanned"], ["scanned", "cancel"]],
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
    code = send("gene", {})
    for previous in generator.choice(CALLS_BEFORE[call]):
        send(previous, {"random": code["random"]})
    if call == "check":
        # A held poll would only take time, because no approver acts on the code.
        case.query = {**(case.query or {}), "random": code["random"], "wait": 0}
        case.headers["x-scanlogin-poll-token"] = code["pollToken"]
    elif call == "{file}":
        case.path_parameters = {"file": code["random"] + generator.choice([".png", ".svg"])}
    elif isinstance(case.body, dict):
        case.body = {**case.body, **fields_of(call, code)}


def fields_of(call, code):
    """The fields of the body that name the code or its ticket."""
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
