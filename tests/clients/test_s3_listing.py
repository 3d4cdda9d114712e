"""S3: listings."""

import pytest
from conftest import client, fails

KEYS = ["a", "a/1", "a/2", "a/b/3", "b", "b/1", "c"]


@pytest.fixture
def filled(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def keys(page):
    return [entry["Key"] for entry in page.get("Contents", [])]


def prefixes(page):
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


def test_an_empty_bucket(s3, bucket):
    page = s3.list_objects_v2(Bucket=bucket)
    assert page["KeyCount"] == 0 and page["IsTruncated"] is False and "Contents" not in page


def test_entries_say_what_they_are(s3, filled):
    entry = s3.list_objects_v2(Bucket=filled, Prefix="a/1")["Contents"][0]
    head = s3.head_object(Bucket=filled, Key="a/1")
    assert entry["ETag"] == head["ETag"] and entry["Size"] == head["ContentLength"] == 3
    assert entry["LastModified"] == head["LastModified"] and entry["StorageClass"] == "STANDARD"
    assert "Owner" not in entry
    assert s3.list_objects_v2(Bucket=filled, FetchOwner=True)["Contents"][0]["Owner"]["ID"]


def test_prefix_and_delimiter(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, Delimiter="/")
    assert keys(page) == ["a", "b", "c"] and prefixes(page) == ["a/", "b/"] and page["KeyCount"] == 5
    assert page["Delimiter"] == "/" and page["MaxKeys"] == 1000 and page["Name"] == filled
    page = s3.list_objects_v2(Bucket=filled, Prefix="a/", Delimiter="/")
    assert keys(page) == ["a/1", "a/2"] and prefixes(page) == ["a/b/"] and page["Prefix"] == "a/"
    page = s3.list_objects_v2(Bucket=filled, Prefix="a")
    assert keys(page) == ["a", "a/1", "a/2", "a/b/3"]
    assert s3.list_objects_v2(Bucket=filled, Prefix="none")["KeyCount"] == 0


def test_other_delimiters(s3, bucket):
    for key in ["x--1", "x--2", "y-1", "z"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="--")
    assert keys(page) == ["y-1", "z"] and prefixes(page) == ["x--"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages(s3, filled, size, delimiter):
    whole = s3.list_objects_v2(Bucket=filled, Delimiter=delimiter)
    found, folded, token = [], [], {}
    while True:
        page = s3.list_objects_v2(Bucket=filled, Delimiter=delimiter, MaxKeys=size, **token)
        found += keys(page)
        folded += prefixes(page)
        assert page["KeyCount"] == len(keys(page)) + len(prefixes(page)) <= size
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert (found, folded) == (keys(whole), prefixes(whole))


def test_start_after(s3, filled):
    assert keys(s3.list_objects_v2(Bucket=filled, StartAfter="a/2")) == ["a/b/3", "b", "b/1", "c"]
    assert keys(s3.list_objects_v2(Bucket=filled, StartAfter="a/1x")) == ["a/2", "a/b/3", "b", "b/1", "c"]
    assert keys(s3.list_objects_v2(Bucket=filled, StartAfter="z")) == []
    page = s3.list_objects_v2(Bucket=filled, StartAfter="a/1", MaxKeys=1)
    assert keys(page) == ["a/2"] and page["IsTruncated"]


def test_max_keys_of_zero(s3, filled):
    page = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert page["KeyCount"] == 0 and page["IsTruncated"] is False


def test_more_than_a_page(s3, bucket):
    from concurrent.futures import ThreadPoolExecutor

    names = [f"k{n:04}" for n in range(1010)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), names))
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert len(keys(page)) == 1000 and page["IsTruncated"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    assert [key for page in pages for key in keys(page)] == names
    for start in range(0, 1010, 1000):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in names[start : start + 1000]]})


def test_order_is_that_of_bytes(s3, bucket):
    names = ["A", "B", "a", "b", "z", "é", "日", "\uffee", "🦀", "~", "!", " "]
    for key in names:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == sorted(names, key=str.encode)
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="日")
    assert keys(page) == ["\uffee", "🦀"]


def test_version_one(s3, filled):
    page = s3.list_objects(Bucket=filled)
    assert keys(page) == KEYS and page["IsTruncated"] is False and page["Contents"][0]["Owner"]
    page = s3.list_objects(Bucket=filled, Delimiter="/", MaxKeys=2)
    assert keys(page) == ["a"] and prefixes(page) == ["a/"] and page["NextMarker"] == "a/"
    page = s3.list_objects(Bucket=filled, Delimiter="/", Marker="a/")
    assert keys(page) == ["b", "c"] and prefixes(page) == ["b/"]
    page = s3.list_objects(Bucket=filled, MaxKeys=2)
    assert page["IsTruncated"] and keys(page) == ["a", "a/1"]
    assert keys(s3.list_objects(Bucket=filled, Marker="a/1"))[0] == "a/2"


def test_names_are_encoded_when_asked(bucket):
    s3 = client("s3")
    key = "a b+c/é%\x01.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, EncodingType="url", Delimiter="/", Prefix="a b")
    assert page["EncodingType"] == "url"
    assert page["CommonPrefixes"][0]["Prefix"] in ("a%20b%2Bc/", "a+b%2Bc/")
    page = s3.list_objects_v2(Bucket=bucket, EncodingType="url")
    assert page["Contents"][0]["Key"] in ("a%20b%2Bc/%C3%A9%25%01.txt", "a+b%2Bc/%C3%A9%25%01.txt")


def test_bad_arguments(s3, filled):
    with fails("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=filled, ContinuationToken="not a token")
    with fails("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=filled, MaxKeys=-1)
    with fails("InvalidArgument", status=400):
        s3.list_objects_v2(Bucket=filled, EncodingType="base64")


def test_buckets_are_paged(s3, bucket):
    page = s3.list_buckets(Prefix=bucket)
    assert [entry["Name"] for entry in page["Buckets"]] == [bucket]
    page = s3.list_buckets(MaxBuckets=1)
    assert len(page["Buckets"]) == 1
