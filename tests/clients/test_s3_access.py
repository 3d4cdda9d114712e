"""S3: signatures, presigned URLs, browsers' forms, CORS, hosts, the AWS CLI."""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.parse

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from conftest import ENDPOINT, REGION, client, fails, http as request, post_form


def signed_by(key, secret):
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret, config=Config(retries={"max_attempts": 0})
    )


def credentials():
    return boto3.Session().get_credentials().get_frozen_credentials()


# Signatures


def test_a_wrong_secret(bucket):
    with fails("SignatureDoesNotMatch", status=403):
        signed_by(credentials().access_key, "wrong").list_objects_v2(Bucket=bucket)


def test_an_unknown_key(bucket):
    with fails("InvalidAccessKeyId", status=403):
        signed_by("AKIAUNKNOWN000000000", "x").list_objects_v2(Bucket=bucket)


def test_nobody(bucket):
    nobody = client("s3", signature_version=UNSIGNED)
    for call in [
        lambda: nobody.list_objects_v2(Bucket=bucket),
        lambda: nobody.get_object(Bucket=bucket, Key="k"),
        lambda: nobody.put_object(Bucket=bucket, Key="k", Body=b"x"),
    ]:
        with fails("AccessDenied", status=403):
            call()


def test_answers_carry_ids_and_errors_are_documents(s3, bucket):
    ok = s3.list_objects_v2(Bucket=bucket)
    assert ok["ResponseMetadata"]["RequestId"]
    answer = request("GET", f"{ENDPOINT}/{bucket}/none")
    assert answer.status == 403 and answer.headers["x-amz-request-id"]
    text = answer.body.decode()
    assert text.startswith("<?xml") and "<Code>AccessDenied</Code>" in text and "<RequestId>" in text
    with fails("NoSuchKey") as error:
        s3.get_object(Bucket=bucket, Key="none")
    assert error.response["Error"]["Message"] and error.response["ResponseMetadata"]["RequestId"]


def test_a_head_that_fails_has_no_body(s3, bucket):
    url = s3.generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": "none"})
    answer = request("HEAD", url)
    assert answer.status == 404 and answer.body == b""


# Presigned URLs


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_get_and_put(bucket, version):
    s3 = client("s3", signature_version=version)
    for key in ["k", "a b/ü+%.txt"]:
        put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
        answer = request("PUT", put, b"data", {"Content-Type": ""})
        assert answer.status == 200 and answer.headers["ETag"], answer.body
        get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
        answer = request("GET", get)
        assert answer.status == 200 and answer.body == b"data"


def test_presigned_urls_carry_parameters(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    url = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "k", "ResponseContentDisposition": 'attachment; filename="a b.txt"'}
    )
    answer = request("GET", url, headers={"Range": "bytes=2-4"})
    assert answer.status == 206 and answer.body == b"234"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.txt"'


def test_a_presigned_type_is_binding(bucket):
    s3 = client("s3", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "ContentType": "text/csv"})
    assert request("PUT", url, b"x", {"Content-Type": "text/html"}).status == 403
    assert request("PUT", url, b"x", {"Content-Type": "text/csv"}).status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "text/csv"


def test_presigned_urls_expire(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    time.sleep(2.5)
    answer = request("GET", url)
    assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body and b"expired" in answer.body


def test_presigned_urls_cannot_be_changed(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"x")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    for changed in [url.replace("/k?", "/secret?"), url.replace("X-Amz-Expires=3600", "X-Amz-Expires=36000")]:
        answer = request("GET", changed)
        assert answer.status == 403 and b"SignatureDoesNotMatch" in answer.body
    assert request("PUT", url, b"x").status == 403


def test_a_presigned_list_and_delete(bucket):
    s3 = client("s3", signature_version="s3v4")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "Prefix": "k"})
    assert b"<Key>k</Key>" in request("GET", url).body
    assert request("DELETE", s3.generate_presigned_url("delete_object", Params={"Bucket": bucket, "Key": "k"})).status == 204


# Forms


def form(bucket, key="in/${filename}", version="s3v4", **more):
    return client("s3", signature_version=version).generate_presigned_post(bucket, key, **more)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_form(s3, bucket, version):
    post = form(bucket, version=version)
    answer = post_form(post["url"], post["fields"], b"data", filename="a b.txt")
    assert answer.status == 204, answer.body
    assert s3.get_object(Bucket=bucket, Key="in/a b.txt")["Body"].read() == b"data"
    assert answer.headers["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"'


def test_a_form_with_fields(s3, bucket):
    fields = {"Content-Type": "text/csv", "x-amz-meta-owner": "ann", "success_action_status": "201"}
    post = form(bucket, "k", Fields=fields, Conditions=[{name: value} for name, value in fields.items()])
    answer = post_form(post["url"], post["fields"], b"data")
    assert answer.status == 201 and b"<PostResponse>" in answer.body and b"<Key>k</Key>" in answer.body
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentType"] == "text/csv" and head["Metadata"] == {"owner": "ann"}


def test_a_form_redirects(bucket):
    target = "https://a.example/done?x=1"
    post = form(bucket, "k", Fields={"success_action_redirect": target}, Conditions=[{"success_action_redirect": target}])
    answer = post_form(post["url"], post["fields"], b"data")
    assert answer.status == 303
    query = urllib.parse.parse_qs(urllib.parse.urlparse(answer.headers["Location"]).query)
    assert query["bucket"] == [bucket] and query["key"] == ["k"] and query["x"] == ["1"]


def test_a_form_size(s3, bucket):
    post = form(bucket, "k", Conditions=[["content-length-range", 2, 4]])
    for data, code in [(b"x", "EntityTooSmall"), (b"x" * 5, "EntityTooLarge")]:
        answer = post_form(post["url"], post["fields"], data)
        assert answer.status == 400 and f"<Code>{code}</Code>".encode() in answer.body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    assert post_form(post["url"], post["fields"], b"xyz").status == 204


@pytest.mark.parametrize(
    "change",
    [{"key": "other"}, {"x-amz-meta-extra": "1"}, {"Content-Type": "text/html"}, {"acl": "public-read"}],
    ids=str,
)
def test_a_form_against_its_policy(s3, bucket, change):
    post = form(bucket, "in/k", Fields={"Content-Type": "image/png"}, Conditions=[["starts-with", "$Content-Type", "image/"]])
    answer = post_form(post["url"], post["fields"] | change, b"data")
    assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_form_whose_policy_was_changed(bucket):
    post = form(bucket, "k")
    policy = json.loads(base64.b64decode(post["fields"]["policy"]))
    policy["conditions"] = [["starts-with", "$key", ""]]
    fields = post["fields"] | {"policy": base64.b64encode(json.dumps(policy).encode()).decode()}
    answer = post_form(post["url"], fields, b"data")
    assert answer.status == 403 and b"SignatureDoesNotMatch" in answer.body


def test_a_form_that_expired(bucket):
    post = form(bucket, "k", ExpiresIn=1)
    time.sleep(2.5)
    answer = post_form(post["url"], post["fields"], b"data")
    assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body and b"expired" in answer.body.lower()


def test_a_form_of_nobody(bucket):
    answer = post_form(f"{ENDPOINT}/{bucket}", {"key": "k"}, b"data")
    assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.body


def test_forms_that_are_none(bucket):
    post = form(bucket, "k")
    without_key = {name: value for name, value in post["fields"].items() if name != "key"}
    answer = post_form(post["url"], without_key, b"data")
    assert answer.status == 400 and b"<Code>InvalidArgument</Code>" in answer.body
    answer = request("POST", post["url"], b"--b--", {"Content-Type": "multipart/form-data; boundary=b"})
    assert answer.status == 400


def test_a_big_form(s3, bucket):
    data = os.urandom(12 * 1024 * 1024)
    post = form(bucket, "k")
    assert post_form(post["url"], post["fields"], data).status == 204
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data


# CORS

RULES = [
    {"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["PUT", "GET"], "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 300},
    {"AllowedOrigins": ["https://*.b.example"], "AllowedMethods": ["GET"]},
]


def preflight(bucket, origin, method, headers=None):
    given = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        given["Access-Control-Request-Headers"] = headers
    return request("OPTIONS", f"{ENDPOINT}/{bucket}/k", headers=given)


def test_no_cors_without_a_configuration(s3, bucket):
    assert preflight(bucket, "https://a.example", "PUT").status == 403
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket})
    assert "Access-Control-Allow-Origin" not in request("GET", url, headers={"Origin": "https://a.example"}).headers


def test_preflights(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    answer = preflight(bucket, "https://a.example", "PUT", "content-type, x-amz-date")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"].replace(" ", "").lower() == "content-type,x-amz-date"
    assert answer.headers["Access-Control-Max-Age"] == "300"
    assert preflight(bucket, "https://x.b.example", "GET").status == 200
    assert preflight(bucket, "https://x.b.example", "PUT").status == 403
    assert preflight(bucket, "https://evil.example", "GET").status == 403


def test_answers_to_other_origins(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "none"})
    allowed = request("GET", url, headers={"Origin": "https://a.example"})
    assert allowed.status == 404 and allowed.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert allowed.headers["Access-Control-Expose-Headers"] == "ETag"
    other = request("GET", url, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_form_from_a_page(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["POST"]}]})
    assert preflight(bucket, "https://a.example", "POST").headers["Access-Control-Allow-Origin"] == "*"


def test_unknown_methods_are_no_cors(s3, bucket):
    with fails("InvalidRequest", status=400):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]})


# Hosts


def by_host(bucket, method, path, body=None):
    """Signs for `bucket.localhost` and sends to the endpoint, whatever the resolver thinks of the name."""
    where = urllib.parse.urlparse(ENDPOINT)
    host = f"{bucket}.localhost:{where.port}"
    keys = credentials()
    now = datetime.datetime.now(datetime.timezone.utc)
    date, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(body or b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": date}
    names = ";".join(headers)
    canonical = "\n".join([method, path, "", *[f"{name}:{value}" for name, value in headers.items()], "", names, digest])
    scope = f"{day}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret_key}".encode()
    for piece in scope.split("/"):
        key = hmac.new(key, piece.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_virtual_hosts(s3, bucket):
    assert by_host(bucket, "PUT", "/a/k", b"data")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="a/k")["Body"].read() == b"data"
    assert by_host(bucket, "GET", "/a/k") == (200, b"data")
    status, listing = by_host(bucket, "GET", "/")
    assert status == 200 and b"<Key>a/k</Key>" in listing


def test_a_broken_upload_leaves_nothing(s3, bucket):
    """The connection closes before all of the announced bytes were sent."""
    import socket

    url = urllib.parse.urlparse(client("s3", signature_version="s3v4").generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}))
    with socket.create_connection((url.hostname, url.port)) as connection:
        head = f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 1000)
    time.sleep(0.5)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


# The AWS CLI


def test_the_cli(aws, s3, bucket, tmp_path):
    (tmp_path / "up" / "deep").mkdir(parents=True)
    big = os.urandom(9 * 1024 * 1024)
    (tmp_path / "up" / "a b.txt").write_bytes(b"one")
    (tmp_path / "up" / "deep" / "ü.bin").write_bytes(big)
    root = f"s3://{bucket}"
    aws("s3", "cp", tmp_path / "up" / "a b.txt", f"{root}/x/a b.txt")
    assert "a b.txt" in aws("s3", "ls", f"{root}/x/")
    assert aws("s3", "cp", f"{root}/x/a b.txt", "-") == "one"
    aws("s3", "sync", tmp_path / "up", f"{root}/sync")
    assert aws("s3", "sync", tmp_path / "up", f"{root}/sync").strip() == ""
    aws("s3", "sync", f"{root}/sync", tmp_path / "down")
    assert (tmp_path / "down" / "deep" / "ü.bin").read_bytes() == big
    aws("s3", "mv", f"{root}/x/a b.txt", f"{root}/y/moved")
    aws("s3", "cp", f"{root}/sync/deep/ü.bin", f"{root}/y/copied")
    listed = aws("s3", "ls", root, "--recursive")
    assert "y/moved" in listed and "y/copied" in listed and "x/a b.txt" not in listed
    url = aws("s3", "presign", f"{root}/y/moved").strip()
    assert request("GET", url).body == b"one"
    assert "Total Objects: 4" in aws("s3", "ls", root, "--recursive", "--summarize")
    aws("s3", "rm", root, "--recursive")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_cli_makes_and_removes_buckets(aws):
    from conftest import new_name

    name = new_name("cli")
    aws("s3", "mb", f"s3://{name}")
    assert name in aws("s3", "ls")
    aws("s3", "rb", f"s3://{name}")
    assert name not in aws("s3", "ls")
    assert "NoSuchBucket" in aws("s3", "ls", f"s3://{name}", ok=False)
