"""S3: objects, conditions, checksums, copies, multipart uploads, buckets."""

import base64
import concurrent.futures
import datetime
import hashlib
import os
import zlib

import pytest
from conftest import client, fails, new_name

MIB = 1024 * 1024


def body(s3, bucket, key, **more):
    return s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()


def md5(data):
    return hashlib.md5(data).hexdigest()


# Objects


def test_put_then_get(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="a/b.txt", Body=b"hello", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="a/b.txt")
    assert got["Body"].read() == b"hello"
    assert got["ETag"] == put["ETag"] == f'"{md5(b"hello")}"'
    assert got["ContentLength"] == 5 and got["ContentType"] == "text/plain"
    assert got["AcceptRanges"] == "bytes"
    assert abs((datetime.datetime.now(datetime.timezone.utc) - got["LastModified"]).total_seconds()) < 60


def test_an_empty_object(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert put["ETag"] == f'"{md5(b"")}"'
    head = s3.head_object(Bucket=bucket, Key="empty")
    assert head["ContentLength"] == 0 and body(s3, bucket, "empty") == b""


def test_overwrite(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"one")
    s3.put_object(Bucket=bucket, Key="k", Body=b"twotwo")
    assert body(s3, bucket, "k") == b"twotwo"


def test_a_missing_key(s3, bucket):
    with fails("NoSuchKey", status=404):
        s3.get_object(Bucket=bucket, Key="none")
    with fails("404", status=404):
        s3.head_object(Bucket=bucket, Key="none")


def test_a_missing_bucket(s3):
    name = new_name()
    for call in [
        lambda: s3.get_object(Bucket=name, Key="k"),
        lambda: s3.put_object(Bucket=name, Key="k", Body=b"x"),
        lambda: s3.list_objects_v2(Bucket=name),
        lambda: s3.delete_object(Bucket=name, Key="k"),
        lambda: s3.delete_bucket(Bucket=name),
        lambda: s3.get_bucket_location(Bucket=name),
    ]:
        with fails("NoSuchBucket", status=404):
            call()


def test_headers_and_metadata_come_back(s3, bucket):
    given = {
        "ContentType": "text/csv",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a b.csv"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "Metadata": {"owner": "ann", "note": "a + b = c%20"},
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=datetime.datetime(2030, 1, 1), **given)
    for got in [s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")]:
        assert {name: got[name] for name in given} == given
        assert "2030" in got.get("ExpiresString", str(got.get("Expires")))


def test_an_object_without_a_type(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_too_much_metadata(s3, bucket):
    with fails("MetadataTooLarge", status=400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"a": "x" * 2100})


def test_response_overrides(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="application/json",
        ResponseContentDisposition="inline",
        ResponseCacheControl="no-store",
        ResponseContentLanguage="fr",
    )
    assert got["ContentType"] == "application/json" and got["ContentDisposition"] == "inline"
    assert got["CacheControl"] == "no-store" and got["ContentLanguage"] == "fr"


def test_delete(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with fails("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_delete_many(s3, bucket):
    keys = ["a", "b/c", "d e+f%", "none"]
    for key in keys[:3]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(entry["Key"] for entry in done["Deleted"]) == sorted(keys)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}], "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet


def test_many_at_once(s3, bucket):
    def work(n):
        data = os.urandom(n * 100)
        s3.put_object(Bucket=bucket, Key=f"k{n}", Body=data)
        return body(s3, bucket, f"k{n}") == data

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(100)))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 100


def test_a_reader_keeps_what_it_opened(s3, bucket):
    old, new = os.urandom(24 * MIB), os.urandom(MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    stream = s3.get_object(Bucket=bucket, Key="k")["Body"]
    start = stream.read(64 * 1024)
    s3.put_object(Bucket=bucket, Key="k", Body=new)
    assert start + stream.read() == old
    assert body(s3, bucket, "k") == new


# Keys

KEYS = [
    "plain",
    "with space",
    "plus+plus",
    "per%cent %41",
    "a//b",
    "/leading",
    "trailing/",
    "../other/k",
    "./here",
    "a/../b",
    "..",
    "ümläut/ñ",
    "日本語.csv",
    "🦀/emoji",
    "tab\tand\nline",
    "\x01control",
    "q?a=1&b=2#c",
    "'\"<>&;:@=,$!*()[]{}|^`~\\",
    "\u00e9",  # composed
    "e\u0301",  # decomposed: another key
]


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_any_key(s3, bucket, key):
    data = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=data)
    assert body(s3, bucket, key) == data
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key=key + ".copy", CopySource={"Bucket": bucket, "Key": key})
    assert body(s3, bucket, key + ".copy") == data
    s3.delete_object(Bucket=bucket, Key=key)
    with fails("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key=key)


def test_all_keys_live_side_by_side(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    assert all(body(s3, bucket, key) == key.encode() for key in KEYS)


def test_a_key_and_keys_below_it(s3, bucket):
    for key in ["x", "x/y", "x/y/z", "x/"]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert all(body(s3, bucket, key) == key.encode() for key in ["x", "x/y", "x/y/z", "x/"])


def test_a_key_stays_in_its_bucket(s3, bucket):
    other = new_name()
    s3.create_bucket(Bucket=other)
    try:
        s3.put_object(Bucket=bucket, Key=f"../{other}/k", Body=b"x")
        assert s3.list_objects_v2(Bucket=other)["KeyCount"] == 0
        assert body(s3, bucket, f"../{other}/k") == b"x"
    finally:
        s3.delete_bucket(Bucket=other)


@pytest.mark.parametrize("key", ["k" * 1024, "é" * 512, "/".join(["d" * 99] * 10)], ids=["ascii", "utf8", "deep"])
def test_long_keys(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert body(s3, bucket, key) == b"x"


def test_keys_that_are_too_long(s3, bucket):
    for key in ["k" * 1025, "é" * 513]:
        with fails("KeyTooLongError", status=400):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")


# Ranges


@pytest.mark.parametrize(
    ("range", "expected", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-30", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-100", b"56789", "bytes 5-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
    ],
)
def test_ranges(s3, bucket, range, expected, content_range):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=range)
    assert got["Body"].read() == expected and got["ContentRange"] == content_range
    assert got["ContentLength"] == len(expected)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    head = s3.head_object(Bucket=bucket, Key="k", Range=range)
    assert head["ContentLength"] == len(expected)


@pytest.mark.parametrize("range", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_ranges_that_are_not_there(s3, bucket, range):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    with fails("InvalidRange", status=416):
        s3.get_object(Bucket=bucket, Key="k", Range=range)


def test_a_range_of_an_empty_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    with fails("InvalidRange", status=416):
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-1")


@pytest.mark.parametrize("range", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"])
def test_ranges_that_are_none_are_ignored(s3, bucket, range):
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    got = s3.get_object(Bucket=bucket, Key="k", Range=range)
    assert got["Body"].read() == b"0123456789"


# Conditions

LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=-1)
    for call in [s3.get_object, s3.head_object]:
        call(Bucket=bucket, Key="k", IfMatch=etag)
        call(Bucket=bucket, Key="k", IfMatch="*")
        call(Bucket=bucket, Key="k", IfNoneMatch='"other"')
        call(Bucket=bucket, Key="k", IfModifiedSince=LONG_AGO)
        with fails("PreconditionFailed", "412", status=412):
            call(Bucket=bucket, Key="k", IfMatch='"other"')
        with fails("304", status=304):
            call(Bucket=bucket, Key="k", IfNoneMatch=etag)
        with fails("PreconditionFailed", "412", status=412):
            call(Bucket=bucket, Key="k", IfUnmodifiedSince=LONG_AGO)
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert modified >= later.replace(microsecond=0) - datetime.timedelta(seconds=60)
    with fails("304", status=304):
        s3.get_object(Bucket=bucket, Key="k", IfModifiedSince=modified)


def test_put_if_none_match(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")
    with fails("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert body(s3, bucket, "k") == b"1"


def test_put_if_match(s3, bucket):
    with fails("NoSuchKey", status=404):
        s3.put_object(Bucket=bucket, Key="k", Body=b"0", IfMatch='"x"')
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    with fails("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert body(s3, bucket, "k") == b"2"


def test_one_of_many_writers_wins(s3, bucket):
    def write(n):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=str(n).encode(), IfNoneMatch="*")
            return n
        except s3.exceptions.ClientError:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        winners = [n for n in pool.map(write, range(8)) if n is not None]
    assert len(winners) == 1 and body(s3, bucket, "k") == str(winners[0]).encode()


# Checksums


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def sha(name, data):
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_computed_and_told(s3, bucket, algorithm):
    data = os.urandom(100_000)
    expected = crc32(data) if algorithm == "CRC32" else sha(algorithm.lower(), data)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data, ChecksumAlgorithm=algorithm)
    name = f"Checksum{algorithm}"
    assert put[name] == expected
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[name] == expected
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[name] == expected and got["Body"].read() == data
    assert name not in s3.head_object(Bucket=bucket, Key="k")
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag"])
    assert told["Checksum"][name] == expected and told["ObjectSize"] == len(data)
    assert told["ETag"] == md5(data)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"ChecksumSHA256": sha("sha256", b"other")}, "BadDigest"),
        ({"ChecksumSHA1": sha("sha1", b"other")}, "BadDigest"),
        ({"ChecksumCRC32": crc32(b"other")}, "BadDigest"),
        ({"ContentMD5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
        ({"ContentMD5": "bm90IGEgbWQ1"}, "InvalidDigest"),
        ({"ChecksumCRC32": "x"}, "InvalidRequest"),
    ],
)
def test_bad_checksums_leave_nothing(s3, bucket, header, code):
    with fails(code, status=400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"body", **header)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_bad_checksum_keeps_the_old_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    with fails("BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"new", ChecksumCRC32=crc32(b"other"))
    assert body(s3, bucket, "k") == b"old"


def test_good_checksums_pass(s3, bucket):
    data = b"body"
    s3.put_object(Bucket=bucket, Key="a", Body=data, ContentMD5=base64.b64encode(hashlib.md5(data).digest()).decode())
    s3.put_object(Bucket=bucket, Key="b", Body=data, ChecksumSHA256=sha("sha256", data))
    assert body(s3, bucket, "a") == body(s3, bucket, "b") == data


def test_chunked_uploads_with_trailers(bucket):
    """A body that cannot be rewound: aws-chunked, the checksum behind it."""
    data = os.urandom(300_000)

    class Once:
        def __init__(self):
            self.rest = data

        def read(self, size=-1):
            size = len(self.rest) if size is None or size < 0 else size
            chunk, self.rest = self.rest[:size], self.rest[size:]
            return chunk

        def __len__(self):
            return len(data)

        def tell(self):
            return len(data) - len(self.rest)

        def seek(self, offset, whence=0):
            self.rest = data[offset if whence == 0 else len(data) + offset :]

    s3 = client("s3")
    put = s3.put_object(Bucket=bucket, Key="k", Body=Once(), ChecksumAlgorithm="CRC32")
    assert put["ChecksumCRC32"] == crc32(data)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == len(data) and "ContentEncoding" not in head
    assert body(s3, bucket, "k") == data


# Copies


def test_copy_keeps_or_replaces_metadata(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", ContentType="text/csv", Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": bucket, "Key": "a"}
    copied = s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{md5(b"x")}"' and "LastModified" in copied["CopyObjectResult"]
    head = s3.head_object(Bucket=bucket, Key="b")
    assert head["Metadata"] == {"m": "1"} and head["ContentType"] == "text/csv"
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == [{"Key": "t", "Value": "1"}]
    s3.copy_object(Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE", Metadata={"n": "2"}, ContentType="a/b")
    head = s3.head_object(Bucket=bucket, Key="c")
    assert head["Metadata"] == {"n": "2"} and head["ContentType"] == "a/b"
    s3.copy_object(Bucket=bucket, Key="d", CopySource=source, TaggingDirective="REPLACE", Tagging="u=2")
    assert s3.get_object_tagging(Bucket=bucket, Key="d")["TagSet"] == [{"Key": "u", "Value": "2"}]


def test_copy_outlives_its_source(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"bytes")
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    s3.delete_object(Bucket=bucket, Key="a")
    assert body(s3, bucket, "b") == b"bytes"


def test_copy_to_another_bucket(s3, bucket):
    other = new_name()
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=bucket, Key="a", Body=b"bytes")
    s3.copy_object(Bucket=other, Key="b", CopySource=f"{bucket}/a")
    assert body(s3, other, "b") == b"bytes"
    s3.delete_object(Bucket=other, Key="b")
    s3.delete_bucket(Bucket=other)


def test_copy_onto_itself_must_change_something(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"m": "1"})
    with fails("InvalidRequest", status=400):
        s3.copy_object(Bucket=bucket, Key="a", CopySource=f"{bucket}/a")
    s3.copy_object(Bucket=bucket, Key="a", CopySource=f"{bucket}/a", MetadataDirective="REPLACE", Metadata={"m": "2"})
    assert s3.head_object(Bucket=bucket, Key="a")["Metadata"] == {"m": "2"} and body(s3, bucket, "a") == b"x"


def test_conditional_copies(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["ETag"]
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a", CopySourceIfMatch=etag)
    for condition in [
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfUnmodifiedSince": LONG_AGO},
    ]:
        with fails("PreconditionFailed", status=412):
            s3.copy_object(Bucket=bucket, Key="c", CopySource=f"{bucket}/a", **condition)


def test_copy_of_nothing(s3, bucket):
    with fails("NoSuchKey", status=404):
        s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/none")
    with fails("NoSuchBucket", status=404):
        s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{new_name()}/none")


# Multipart uploads


def start(s3, bucket, key="k", **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


def part(s3, bucket, upload, number, data, key="k", **more):
    done = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=data, **more)
    return {"PartNumber": number, **{name: done[name] for name in done if name == "ETag" or name.startswith("Checksum")}}


def complete(s3, bucket, upload, parts, key="k", **more):
    return s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **more)


def test_a_multipart_upload(s3, bucket):
    data = os.urandom(11 * MIB)
    pieces = [data[: 5 * MIB], data[5 * MIB : 10 * MIB], data[10 * MIB :]]
    upload = start(s3, bucket, ContentType="a/b", Metadata={"m": "1"}, Tagging="t=1")
    with fails("NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="k")
    parts = [part(s3, bucket, upload, n, piece) for n, piece in enumerate(pieces, 1)]
    done = complete(s3, bucket, upload, parts)
    etag = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest() + "-3"
    assert done["ETag"] == f'"{etag}"' and done["Bucket"] == bucket and done["Key"] == "k"
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ETag"] == f'"{etag}"' and head["ContentLength"] == len(data)
    assert head["ContentType"] == "a/b" and head["Metadata"] == {"m": "1"}
    assert body(s3, bucket, "k") == data
    assert body(s3, bucket, "k", Range=f"bytes={5 * MIB - 3}-{5 * MIB + 2}") == data[5 * MIB - 3 : 5 * MIB + 3]
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert second["Body"].read() == pieces[1] and second["PartsCount"] == 3
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ETag"] == f'"{etag}"'


def test_parts_out_of_order_and_replaced(s3, bucket):
    upload = start(s3, bucket)
    last = part(s3, bucket, upload, 7, b"last")
    part(s3, bucket, upload, 2, b"x" * 5 * MIB)
    first = part(s3, bucket, upload, 2, b"y" * 5 * MIB)
    complete(s3, bucket, upload, [first, last])
    assert body(s3, bucket, "k") == b"y" * 5 * MIB + b"last"


def test_parts_are_listed(s3, bucket):
    upload = start(s3, bucket)
    for n in [3, 1, 2]:
        part(s3, bucket, upload, n, b"x" * n)
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert [(entry["PartNumber"], entry["Size"]) for entry in listed["Parts"]] == [(1, 1), (2, 2), (3, 3)]
    assert listed["Parts"][0]["ETag"] == f'"{md5(b"x")}"'
    page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=2)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 2
    page = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, PartNumberMarker=2)
    assert [entry["PartNumber"] for entry in page["Parts"]] == [3] and not page["IsTruncated"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)


def test_uploads_are_listed(s3, bucket):
    ids = {key: start(s3, bucket, key) for key in ["b", "a/1", "a/2"]}
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(entry["Key"], entry["UploadId"]) for entry in listed] == [(key, ids[key]) for key in sorted(ids)]
    folded = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in folded["CommonPrefixes"]] == ["a/"]
    assert [entry["Key"] for entry in folded["Uploads"]] == ["b"]
    page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=1)
    assert page["IsTruncated"] and page["NextKeyMarker"] == "a/1"
    for key, upload in ids.items():
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)


def test_abort(s3, bucket):
    upload = start(s3, bucket)
    part(s3, bucket, upload, 1, b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    with fails("NoSuchUpload", status=404):
        part(s3, bucket, upload, 2, b"x")
    with fails("NoSuchUpload", status=404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    with fails("NoSuchUpload", status=404):
        complete(s3, bucket, upload, [{"PartNumber": 1, "ETag": '"x"'}])
    with fails("NoSuchUpload", status=404):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_what_cannot_be_completed(s3, bucket):
    upload = start(s3, bucket)
    small = [part(s3, bucket, upload, n, b"x" * 10) for n in [1, 2]]
    with fails("EntityTooSmall", status=400):
        complete(s3, bucket, upload, small)
    with fails("InvalidPartOrder", status=400):
        complete(s3, bucket, upload, small[::-1])
    with fails("InvalidPart", status=400):
        complete(s3, bucket, upload, [{"PartNumber": 1, "ETag": f'"{md5(b"other")}"'}])
    with fails("InvalidPart", status=400):
        complete(s3, bucket, upload, [{"PartNumber": 9, "ETag": small[0]["ETag"]}])
    with fails("InvalidArgument", status=400):
        part(s3, bucket, upload, 10_001, b"x")
    complete(s3, bucket, upload, small[:1])
    assert body(s3, bucket, "k") == b"x" * 10


def test_upload_part_copy(s3, bucket):
    data = os.urandom(6 * MIB)
    s3.put_object(Bucket=bucket, Key="src", Body=data)
    upload = start(s3, bucket)
    parts = []
    for number, byte_range in [(1, f"bytes=0-{5 * MIB - 1}"), (2, f"bytes={5 * MIB}-{6 * MIB - 1}"), (3, None)]:
        more = {"CopySourceRange": byte_range} if byte_range else {}
        done = s3.upload_part_copy(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, CopySource=f"{bucket}/src", **more)
        parts.append({"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]})
    with fails("InvalidArgument", "InvalidRange"):
        s3.upload_part_copy(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=4, CopySource=f"{bucket}/src", CopySourceRange=f"bytes=0-{6 * MIB}"
        )
    with fails("EntityTooSmall"):
        complete(s3, bucket, upload, parts)
    complete(s3, bucket, upload, parts[:2])
    assert body(s3, bucket, "k") == data


def test_conditional_complete(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    upload = start(s3, bucket)
    parts = [part(s3, bucket, upload, 1, b"new")]
    with fails("PreconditionFailed", status=412):
        complete(s3, bucket, upload, parts, IfNoneMatch="*")
    assert body(s3, bucket, "k") == b"old"
    complete(s3, bucket, upload, parts)


def test_a_composite_checksum(s3, bucket):
    pieces = [b"a" * 5 * MIB, b"b" * 100]
    upload = start(s3, bucket, ChecksumAlgorithm="SHA256")
    parts = [part(s3, bucket, upload, n, piece, ChecksumAlgorithm="SHA256") for n, piece in enumerate(pieces, 1)]
    assert parts[0]["ChecksumSHA256"] == sha("sha256", pieces[0])
    done = complete(s3, bucket, upload, parts)
    expected = sha("sha256", b"".join(hashlib.sha256(piece).digest() for piece in pieces)) + "-2"
    assert done["ChecksumSHA256"] == expected and done["ChecksumType"] == "COMPOSITE"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == expected and head["ChecksumType"] == "COMPOSITE"
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"])
    assert told["ObjectParts"]["TotalPartsCount"] == 2
    assert [entry["Size"] for entry in told["ObjectParts"]["Parts"]] == [5 * MIB, 100]


def test_a_full_object_checksum(s3, bucket):
    pieces = [b"a" * 5 * MIB, b"b" * 100]
    upload = start(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [part(s3, bucket, upload, n, piece, ChecksumAlgorithm="CRC32") for n, piece in enumerate(pieces, 1)]
    done = complete(s3, bucket, upload, parts, ChecksumType="FULL_OBJECT")
    assert done["ChecksumCRC32"] == crc32(b"".join(pieces)) and done["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == crc32(b"".join(pieces))


def test_a_bad_part_leaves_nothing(s3, bucket):
    upload = start(s3, bucket)
    with fails("BadDigest", status=400):
        part(s3, bucket, upload, 1, b"x", ChecksumCRC32=crc32(b"other"))
    assert s3.list_parts(Bucket=bucket, Key="k", UploadId=upload).get("Parts", []) == []
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)


def test_the_transfer_manager(s3, bucket, tmp_path):
    data = os.urandom(20 * MIB)
    source, target = tmp_path / "up", tmp_path / "down"
    source.write_bytes(data)
    s3.upload_file(str(source), bucket, "big", ExtraArgs={"ContentType": "a/b"})
    assert "-" in s3.head_object(Bucket=bucket, Key="big")["ETag"]
    s3.download_file(bucket, "big", str(target))
    assert target.read_bytes() == data
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy")
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentLength"] == len(data)


# Tags


def test_object_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b=two%20words")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags[:1]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags[:1]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    with fails("NoSuchKey"):
        s3.get_object_tagging(Bucket=bucket, Key="none")
    with fails("InvalidTag", status=400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}] * 2})
    with fails("BadRequest", "InvalidTag", status=400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": str(n), "Value": "1"} for n in range(11)]})


# Versions


def test_versions(s3, versioned):
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=versioned, Key="k", Body=b"2")["VersionId"]
    assert first != second
    assert body(s3, versioned, "k") == b"2" and body(s3, versioned, "k", VersionId=first) == b"1"
    listed = s3.list_object_versions(Bucket=versioned)["Versions"]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed] == [(second, True), (first, False)]
    with fails("NoSuchVersion", "404", status=404):
        s3.get_object(Bucket=versioned, Key="k", VersionId="0" * 32)
    s3.copy_object(Bucket=versioned, Key="k", CopySource={"Bucket": versioned, "Key": "k", "VersionId": first})
    assert body(s3, versioned, "k") == b"1"


def test_delete_markers(s3, versioned):
    version = s3.put_object(Bucket=versioned, Key="k", Body=b"1")["VersionId"]
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True and deleted["VersionId"] != version
    with fails("NoSuchKey", status=404) as error:
        s3.get_object(Bucket=versioned, Key="k")
    assert error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    with fails("MethodNotAllowed", status=405):
        s3.get_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert body(s3, versioned, "k", VersionId=version) == b"1"
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    markers = s3.list_object_versions(Bucket=versioned)["DeleteMarkers"]
    assert [entry["VersionId"] for entry in markers] == [deleted["VersionId"]]
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert gone["DeleteMarker"] is True
    assert body(s3, versioned, "k") == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=version)
    with fails("NoSuchKey"):
        s3.get_object(Bucket=versioned, Key="k")


def test_suspended_versioning(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    s3.put_object(Bucket=bucket, Key="k", Body=b"again")
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [entry["VersionId"] for entry in listed] == ["null", kept]
    assert body(s3, bucket, "k", VersionId="null") == b"again"
    s3.delete_object(Bucket=bucket, Key="k")
    markers = s3.list_object_versions(Bucket=bucket)["DeleteMarkers"]
    assert [entry["VersionId"] for entry in markers] == ["null"]
    assert body(s3, bucket, "k", VersionId=kept) == b"kept"


def test_version_pages(s3, versioned):
    for key in ["a", "b"]:
        for n in range(3):
            s3.put_object(Bucket=versioned, Key=key, Body=str(n).encode())
    whole = [(e["Key"], e["VersionId"]) for e in s3.list_object_versions(Bucket=versioned)["Versions"]]
    paged = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 2}):
        paged += [(e["Key"], e["VersionId"]) for e in page["Versions"]]
    assert paged == whole and len(whole) == 6


def test_delete_versions_in_bulk(s3, versioned):
    versions = [s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"] for _ in range(2)]
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k"}, {"Key": "k", "VersionId": versions[0]}]})
    assert {entry.get("VersionId") for entry in done["Deleted"]} == {None, versions[0]}
    assert any(entry.get("DeleteMarker") for entry in done["Deleted"])


# Buckets


def test_bucket_life(s3):
    name = new_name()
    s3.create_bucket(Bucket=name)
    assert s3.head_bucket(Bucket=name)["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"]
    assert name in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    with fails("BucketNotEmpty", status=409):
        s3.delete_bucket(Bucket=name)
    s3.delete_object(Bucket=name, Key="k")
    s3.delete_bucket(Bucket=name)
    with fails("404", status=404):
        s3.head_bucket(Bucket=name)


def test_buckets_made_twice(s3, bucket):
    # Only us-east-1 forgives it.
    s3.create_bucket(Bucket=bucket)
    name, elsewhere = new_name(), {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration=elsewhere)
    with fails("BucketAlreadyOwnedByYou", status=409):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=elsewhere)
    s3.delete_bucket(Bucket=name)


def test_bucket_locations(s3):
    name = new_name()
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    s3.delete_bucket(Bucket=name)


@pytest.mark.parametrize("name", ["Upper-Case", "ab", "a..b", "under_score", "192.168.1.1", "-dash", "a" * 64])
def test_bucket_names(s3, name):
    s3 = client("s3")
    try:
        s3.create_bucket(Bucket=name)
    except s3.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidBucketName"
    except Exception as error:
        assert "Invalid bucket name" in str(error)
    else:
        raise AssertionError("made")


CONFIGURATIONS = {
    "lifecycle": (
        "bucket_lifecycle_configuration",
        {
            "LifecycleConfiguration": {
                "Rules": [
                    {
                        "ID": "r",
                        "Status": "Enabled",
                        "Filter": {"Prefix": "tmp/"},
                        "Expiration": {"Days": 7},
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                    }
                ]
            }
        },
        lambda got: got["Rules"][0]["Expiration"]["Days"] == 7 and got["Rules"][0]["Filter"] == {"Prefix": "tmp/"},
        "NoSuchLifecycleConfiguration",
        "delete_bucket_lifecycle",
    ),
    "cors": (
        "bucket_cors",
        {"CORSConfiguration": {"CORSRules": [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 5}]}},
        lambda got: got["CORSRules"][0]["AllowedOrigins"] == ["https://a.example"],
        "NoSuchCORSConfiguration",
        "delete_bucket_cors",
    ),
    "policy": (
        "bucket_policy",
        {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
        lambda got: '"Statement"' in got["Policy"],
        "NoSuchBucketPolicy",
        "delete_bucket_policy",
    ),
    "public access block": (
        "public_access_block",
        {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}},
        lambda got: got["PublicAccessBlockConfiguration"]["BlockPublicAcls"] is True,
        "NoSuchPublicAccessBlockConfiguration",
        "delete_public_access_block",
    ),
    "ownership": (
        "bucket_ownership_controls",
        {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        lambda got: got["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced",
        "OwnershipControlsNotFoundError",
        "delete_bucket_ownership_controls",
    ),
    "tags": (
        "bucket_tagging",
        {"Tagging": {"TagSet": [{"Key": "team", "Value": "a b"}]}},
        lambda got: got["TagSet"] == [{"Key": "team", "Value": "a b"}],
        "NoSuchTagSet",
        "delete_bucket_tagging",
    ),
    "website": (
        "bucket_website",
        {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
        lambda got: got["IndexDocument"]["Suffix"] == "index.html",
        "NoSuchWebsiteConfiguration",
        "delete_bucket_website",
    ),
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_configurations(s3, bucket, kind):
    name, document, check, absent, delete = CONFIGURATIONS[kind]
    get = getattr(s3, f"get_{name}")
    # S3 gives new buckets some of these of its own accord.
    if kind not in ("ownership", "public access block"):
        with fails(absent, status=404):
            get(Bucket=bucket)
    getattr(s3, f"put_{name}")(Bucket=bucket, **document)
    assert check(get(Bucket=bucket))
    getattr(s3, delete)(Bucket=bucket)
    with fails(absent, status=404):
        get(Bucket=bucket)


def test_notifications(s3, bucket):
    empty = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert not [name for name in empty if name.endswith("Configurations")]
    rule = {
        "Id": "r",
        "LambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}]}},
    }
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [rule]}, SkipDestinationValidation=True)
    got = s3.get_bucket_notification_configuration(Bucket=bucket)["LambdaFunctionConfigurations"][0]
    assert got["Events"] == rule["Events"] and got["LambdaFunctionArn"] == rule["LambdaFunctionArn"]
    assert got["Filter"]["Key"]["FilterRules"][0]["Value"] == "in/"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_encryption(s3, bucket):
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ServerSideEncryption"] == "AES256"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/k"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_access_control_lists(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for got in [s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")]:
        assert got["Owner"]["ID"] == got["Grants"][0]["Grantee"]["ID"]
        assert got["Grants"][0]["Permission"] == "FULL_CONTROL"


def test_versioning_status(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_a_bad_policy_document(s3, bucket):
    with fails("MalformedPolicy", status=400):
        s3.put_bucket_policy(Bucket=bucket, Policy="not json")
