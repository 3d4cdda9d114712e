"""Each route asked for real: what it answers is what the description promises (`client.Api` looks at every answer)."""

import uuid
from urllib.parse import quote

import requests

from client import ROWS, Api, sha256

NOBODY = "01M7YAC62ANJMDM51BSPQB6QQM"


def example(description, method, path):
    operation = description.operation(method, path)
    return operation["requestBody"]["content"]["application/json"]["example"]


def is_problem(answer, status, name, *fields):
    """Whether an answer is this problem, and names these fields."""
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["type"] == f"urn:problem-type:longshore:{name}"
    assert [error["field"] for error in problem.get("errors", [])] == list(fields)
    assert problem["request_id"] == answer.headers["x-request-id"]
    return True


def test_a_file_goes_from_its_form_to_its_outputs(api):
    announced = api.announce(content_type="text/csv", sha256=sha256(ROWS))
    place = f"/v1/files/{announced['file']['id']}"
    assert announced["upload"]["type"] == "form"
    assert is_problem(api.get(f"{place}/outputs/table.parquet"), 409, "not-done")
    assert is_problem(api.post(f"{place}/reprocess"), 409, "not-uploaded")
    assert is_problem(api.get(f"/v1/uploads/{announced['file']['id']}/parts"), 409, "not-multipart")
    api.send_form(announced, ROWS)
    file = api.settle(announced["file"]["id"])
    assert (file["status"], file["kind"], file["identified"]["format"]) == ("done", "tables", "csv")

    shown = api.get(place)
    assert api.get(place, headers={"if-none-match": shown.headers["etag"]}).status_code == 304
    events = [event["event"] for event in api.get(f"{place}/events").json()["events"]]
    assert events == ["announced", "claimed", "handed-over", "claimed", "done"]

    inlined = []
    for output in file["outputs"]:
        sent_on = api.get(output["href"])
        assert sent_on.status_code == 302
        assert len(requests.get(sent_on.headers["location"], timeout=60).content) == output["size_bytes"]
        inline = api.get(output["href"], params={"inline": "true"})
        if output["content_type"] == "application/json":
            inlined.append(inline.json())
        else:
            assert is_problem(inline, 400, "invalid-request", "inline")
    assert inlined
    assert is_problem(api.get(f"{place}/outputs/none"), 404, "not-found")

    listed = api.get("/v1/files", params={"kind": "tables", "status": "done", "name_prefix": "fli", "limit": 1}).json()
    assert [found["id"] for found in listed["files"]] == [file["id"]]
    stats = api.get("/v1/stats", params={"days": 1}).json()
    assert (stats["files"], stats["by_status"], stats["bytes_in"]) == (1, {"done": 1}, len(ROWS))

    assert is_problem(api.delete(f"/v1/uploads/{file['id']}"), 409, "already-uploaded")
    assert api.post(f"{place}/reprocess", json={"options": {"tables": {"delimiter": ","}}}).status_code == 202
    assert api.settle(file["id"])["status"] == "done"
    assert api.delete(place).status_code == 204
    assert is_problem(api.get(place), 404, "not-found")


def test_a_file_that_nothing_unloads_is_rejected(api):
    file = api.upload(b"\x00\x01\x02\x03" * 64, name="noise.bin")
    assert (file["status"], file["failure"]["kind"]) == ("rejected", "rejected")
    assert api.get("/v1/files", params={"status": "rejected"}).json()["files"] == [file]


def test_a_file_goes_up_in_parts(api):
    announced = api.announce_multipart()
    way, last = announced["upload"], b"x" * (100_000_001 % (16 << 20))
    assert (way["type"], way["parts"]) == ("multipart", 6)
    part = {"number": 6, "sha256": sha256(last)}
    signed = api.post(way["parts_href"], json={"parts": [part]}).json()["parts"]
    sent = requests.request(signed[0]["method"], signed[0]["url"], data=last, headers=signed[0]["headers"], timeout=60)
    assert sent.status_code == 200, sent.text
    assert [found["number"] for found in api.get(way["parts_href"]).json()["arrived"]] == [6]
    assert is_problem(api.post(way["complete_href"], json={"parts": [part]}), 409, "upload-incomplete")
    wrong = {"parts": [part | {"number": 7}]}
    assert is_problem(api.post(way["parts_href"], json=wrong), 400, "invalid-request", "parts[0].number")
    assert api.delete(f"/v1/uploads/{announced['file']['id']}").status_code == 204


def test_a_page_leads_to_the_next(api):
    announced = [api.announce(name=f"{number}.csv")["file"]["id"] for number in range(5)]
    found, parameters = [], {"limit": 2}
    while True:
        page = api.get("/v1/files", params=parameters).json()
        found += [file["id"] for file in page["files"]]
        if not page.get("next_cursor"):
            break
        parameters["cursor"] = page["next_cursor"]
    assert found == announced[::-1]
    wrong = {"limit": 3, "cursor": "forged", "kind": "tables", "colour": "red"}
    assert is_problem(api.get("/v1/files", params=wrong), 400, "invalid-request", "cursor", "colour")


def test_webhooks_come_and_go(api, description):
    asked = example(description, "POST", "/v1/webhooks")
    registered = api.post("/v1/webhooks", json=asked).json()
    assert registered["url"] == asked["url"]
    secret = registered.pop("secret")
    assert secret.startswith("whsec_")
    assert api.get("/v1/webhooks").json() == {"webhooks": [registered]}
    assert is_problem(api.post("/v1/webhooks", json={"url": "https://127.0.0.1/"}), 400, "invalid-request", "url")
    for _ in range(4):
        assert api.post("/v1/webhooks", json=asked).status_code == 201
    assert is_problem(api.post("/v1/webhooks", json=asked), 409, "too-many-endpoints")
    assert api.delete(f"/v1/webhooks/{registered['id']}").status_code == 204
    assert is_problem(api.delete(f"/v1/webhooks/{registered['id']}"), 404, "not-found")


def test_every_example_of_a_request_is_taken(api, description):
    """The examples are sent as they stand, to a file that they fit."""
    sent = set()
    for method, path, operation in description.operations():
        if "requestBody" not in operation:
            continue
        if path.startswith("/v1/uploads/"):
            file_id = api.announce_multipart()["file"]["id"]
        elif path.startswith("/v1/files/"):
            file_id = api.upload()["id"]
        else:
            file_id = ""
        answer = api.send(method, path.replace("{id}", file_id), json=example(description, method, path))
        if operation["operationId"] == "completeUpload":
            # Nothing has arrived: the example is understood, and what it says is not so.
            assert is_problem(answer, 409, "upload-incomplete")
        else:
            assert answer.status_code in (200, 201, 202), answer.text
        sent.add(operation["operationId"])
    assert sent == {"createUpload", "signParts", "completeUpload", "reprocessFile", "registerWebhook"}


def test_every_example_of_a_parameter_is_taken(api, description):
    file, picture = api.upload(), api.picture()
    # What some parameters need beside them.
    beside = {
        "fit": {"w": 1, "h": 1},
        "focus": {"w": 1, "h": 1, "fit": "cover"},
        "progressive": {"format": "jpeg"},
    }
    for method, path, operation in description.operations():
        is_image = operation["operationId"] == "getImage"
        place = path.replace("{id}", (picture if is_image else file)["id"]).replace("{name}", "profile.json")
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "query" or "example" not in parameter:
                continue
            value = str(parameter["example"]).lower() if parameter["example"] is True else parameter["example"]
            others = beside.get(parameter["name"], {}) if is_image else {}
            answer = api.send(method, place, params={parameter["name"]: value} | others)
            assert answer.status_code == (302 if is_image else 200), f"{parameter['name']}: {answer.text}"


def test_a_request_that_is_sent_again_is_answered_again(api):
    asked = {"name": "flights.csv", "size_bytes": 1}
    headers = {"idempotency-key": uuid.uuid4().hex}
    first, again = (api.post("/v1/uploads", json=asked, headers=headers) for _ in range(2))
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert is_problem(api.post("/v1/uploads", json=asked | {"size_bytes": 2}, headers=headers), 422, "idempotency-key-reused")


def test_what_is_wrong_is_named(api):
    for asked, status, name, fields in [
        ({"name": "a.csv", "size_bytes": 1, "colour": 1}, 400, "invalid-request", ["colour"]),
        ({"name": "a.csv"}, 400, "invalid-request", ["size_bytes"]),
        ({"name": "a/b", "size_bytes": 1, "content_type": "text"}, 400, "invalid-request", ["name", "content_type"]),
        ({"name": "a.csv", "size_bytes": 1 << 62, "kind": "tables"}, 413, "file-too-large", []),
    ]:
        assert is_problem(api.post("/v1/uploads", json=asked), status, name, *fields)
    assert is_problem(api.post("/v1/uploads", data="{"), 400, "unreadable-body")


def test_an_id_that_is_none_is_not_found(api, description):
    """Whatever is in its place: what would be a slash or a query, if it were read twice, too."""
    ids = [NOBODY, NOBODY.lower(), "1", "a?b", "a#b", "a%b", "%2e", "a b", "ü", "%", "\x7f", f"{NOBODY}?wait=1"]
    for method, path, _ in description.operations():
        if "{id}" not in path:
            continue
        body = {"json": example(description, method, path)} if method == "POST" else {}
        for one in ids:
            place = path.replace("{id}", quote(one, safe="")).replace("{name}", "profile.json")
            assert is_problem(api.send(method, place, **body), 404, "not-found"), one


def test_no_token_leads_to_what_is_described(stack, description):
    nobody = Api(stack.api_url, description=description)
    for method, path, operation in description.operations():
        answer = nobody.send(method, path.replace("{id}", NOBODY).replace("{name}", "profile.json"))
        assert answer.status_code == (401 if operation["security"] else 200)


def test_every_operation_was_seen_to_go_well(description):
    """Runs last: each way to go well that is described was gone above, but for a complete multipart upload."""
    promised = {
        (operation["operationId"], int(status))
        for _, _, operation in description.operations()
        for status in operation["responses"]
        if status < "400"
    }
    # A hundred megabytes a run: `tests/flows/multipart.rs` does it.
    left_out = {("completeUpload", 200)}
    assert promised - left_out - set(description.held) == set()
    print(f"{sum(description.held.values())} answers of {len(description.held)} kinds were held to the description")
