"""DynamoDB: items, expressions, queries, batches, transactions, tables."""

import concurrent.futures
import json
import time
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from conftest import ENDPOINT, client, fails, http, new_name

SERIALIZE, DESERIALIZE = TypeSerializer().serialize, TypeDeserializer().deserialize


def item(**values):
    return {name: SERIALIZE(value) for name, value in values.items()}


def plain(values):
    return {name: DESERIALIZE(value) for name, value in values.items()}


def get(dynamodb, table, pk, sk="0", **more):
    found = dynamodb.get_item(TableName=table, Key=item(pk=pk, sk=sk), **more).get("Item")
    return plain(found) if found else None


@pytest.fixture
def filled(dynamodb, table):
    for n in range(10):
        dynamodb.put_item(TableName=table, Item=item(pk="a", sk=f"{n:02}", kind="even" if n % 2 == 0 else "odd", at=n, n=n))
    dynamodb.put_item(TableName=table, Item=item(pk="b", sk="00", n=100))
    return table


# Items


def test_every_type_comes_back(dynamodb, table):
    value = {
        "pk": "a",
        "sk": "0",
        "text": "ü🦀",
        "empty": "",
        "number": Decimal("-12345678901234567890.123456789"),
        "bytes": b"\x00\xff",
        "yes": True,
        "nothing": None,
        "list": [1, "two", [Decimal("3")]],
        "map": {"a": {"b": 1}},
        "strings": {"x", "y"},
        "numbers": {Decimal(1), Decimal(2)},
        "blobs": {b"1", b"2"},
    }
    dynamodb.put_item(TableName=table, Item=item(**value))
    got = get(dynamodb, table, "a")
    got["bytes"], got["blobs"] = bytes(got["bytes"]), {bytes(entry) for entry in got["blobs"]}
    assert got == value


def test_put_replaces_and_returns_the_old(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x=1))
    old = dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", y=2), ReturnValues="ALL_OLD")
    assert plain(old["Attributes"]) == {"pk": "a", "sk": "0", "x": 1}
    assert get(dynamodb, table, "a") == {"pk": "a", "sk": "0", "y": 2}


def test_what_is_not_there(dynamodb, table):
    assert "Item" not in dynamodb.get_item(TableName=table, Key=item(pk="none", sk="0"))
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=item(pk="none", sk="0"), ReturnValues="ALL_OLD")


def test_delete(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x=1))
    old = dynamodb.delete_item(TableName=table, Key=item(pk="a", sk="0"), ReturnValues="ALL_OLD")
    assert plain(old["Attributes"])["x"] == 1 and get(dynamodb, table, "a") is None


def test_projections(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", m={"x": 1, "y": [10, 20]}, name="n"))
    got = get(dynamodb, table, "a", ProjectionExpression="#n, m.y[1]", ExpressionAttributeNames={"#n": "name"})
    assert got == {"name": "n", "m": {"y": [20]}}


def test_a_missing_key_attribute(dynamodb, table):
    with fails("ValidationException", status=400):
        dynamodb.put_item(TableName=table, Item=item(pk="a"))
    with fails("ValidationException"):
        dynamodb.get_item(TableName=table, Key=item(pk="a"))
    with fails("ValidationException"):
        dynamodb.put_item(TableName=table, Item=item(pk="", sk="0"))
    with fails("ValidationException"):
        dynamodb.put_item(TableName=table, Item=item(pk=1, sk="0"))


def test_an_item_that_is_too_big(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x="x" * 390_000))
    with fails("ValidationException"):
        dynamodb.put_item(TableName=table, Item=item(pk="a", sk="1", x="x" * 410_000))


# Conditions


def test_put_if_new(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x=1), ConditionExpression="attribute_not_exists(pk)")
    with fails("ConditionalCheckFailedException", status=400):
        dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x=2), ConditionExpression="attribute_not_exists(pk)")
    assert get(dynamodb, table, "a")["x"] == 1


def test_a_failed_condition_shows_the_item(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", x=1))
    with fails("ConditionalCheckFailedException") as error:
        dynamodb.update_item(
            TableName=table,
            Key=item(pk="a", sk="0"),
            UpdateExpression="SET x = :n",
            ConditionExpression="x = :o",
            ExpressionAttributeValues=item(**{":n": 3, ":o": 2}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert plain(error.response["Item"])["x"] == 1


CONDITIONS = [
    ("n = :v", {":v": 5}, True),
    ("n <> :v", {":v": 5}, False),
    ("n < :v", {":v": 5}, False),
    ("n <= :v", {":v": 5}, True),
    ("n BETWEEN :v AND :w", {":v": 1, ":w": 9}, True),
    ("n IN (:v, :w)", {":v": 1, ":w": 5}, True),
    ("begins_with(s, :v)", {":v": "he"}, True),
    ("contains(s, :v)", {":v": "ell"}, True),
    ("contains(tags, :v)", {":v": "x"}, True),
    ("size(s) = :v", {":v": 5}, True),
    ("attribute_exists(n) AND NOT attribute_exists(gone)", {}, True),
    ("attribute_type(s, :v)", {":v": "S"}, True),
    ("attribute_type(s, :v)", {":v": "N"}, False),
    ("m.a.b = :v", {":v": 1}, True),
    ("l[1] = :v", {":v": "two"}, True),
    ("(n = :v OR n = :w) AND s = :x", {":v": 1, ":w": 5, ":x": "hello"}, True),
]


@pytest.mark.parametrize(("condition", "values", "holds"), CONDITIONS)
def test_conditions(dynamodb, table, condition, values, holds):
    value = {"pk": "a", "sk": "0", "n": 5, "s": "hello", "tags": {"x", "y"}, "m": {"a": {"b": 1}}, "l": [1, "two"]}
    dynamodb.put_item(TableName=table, Item=item(**value))
    more = {"ExpressionAttributeValues": item(**values)} if values else {}
    call = lambda: dynamodb.delete_item(TableName=table, Key=item(pk="a", sk="0"), ConditionExpression=condition, **more)
    if holds:
        call()
    else:
        with fails("ConditionalCheckFailedException"):
            call()


def test_expressions_that_are_none(dynamodb, table):
    for expression in ["x = ", "SET x", "nosuch(x)", "x = :missing", "#missing = x"]:
        with fails("ValidationException"):
            dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0"), ConditionExpression=expression)


def test_one_of_many_writers_wins(dynamodb, table):
    def claim(n):
        try:
            dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", n=n), ConditionExpression="attribute_not_exists(pk)")
            return True
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(16))) == 1


# Updates


def update(dynamodb, table, expression, values=None, names=None, returns="ALL_NEW", **more):
    given = {"UpdateExpression": expression, "ReturnValues": returns, **more}
    if values:
        given["ExpressionAttributeValues"] = item(**values)
    if names:
        given["ExpressionAttributeNames"] = names
    got = dynamodb.update_item(TableName=table, Key=item(pk="a", sk="0"), **given)
    return plain(got.get("Attributes", {}))


def test_updates(dynamodb, table):
    assert update(dynamodb, table, "SET x = :v", {":v": 1}) == {"pk": "a", "sk": "0", "x": 1}
    assert update(dynamodb, table, "SET x = x + :v, y = :v", {":v": 2})["x"] == 3
    assert update(dynamodb, table, "ADD x :v", {":v": -1})["x"] == 2
    assert update(dynamodb, table, "SET l = list_append(if_not_exists(l, :e), :v)", {":e": [], ":v": ["a"]})["l"] == ["a"]
    assert update(dynamodb, table, "SET l = list_append(l, :v)", {":v": ["b"]})["l"] == ["a", "b"]
    assert update(dynamodb, table, "REMOVE l[0], y")["l"] == ["b"]
    assert update(dynamodb, table, "ADD tags :v", {":v": {"x", "y"}})["tags"] == {"x", "y"}
    assert update(dynamodb, table, "DELETE tags :v", {":v": {"x"}})["tags"] == {"y"}
    assert update(dynamodb, table, "SET m = :v", {":v": {"a": 1}})["m"] == {"a": 1}
    assert update(dynamodb, table, "SET m.#b = :v REMOVE m.a", {":v": 2}, {"#b": "b"})["m"] == {"b": 2}


def test_what_updates_return(dynamodb, table):
    update(dynamodb, table, "SET x = :v, y = :v", {":v": 1})
    assert update(dynamodb, table, "SET x = :v", {":v": 2}, returns="UPDATED_OLD") == {"x": 1}
    assert update(dynamodb, table, "SET x = :v", {":v": 3}, returns="UPDATED_NEW") == {"x": 3}
    assert update(dynamodb, table, "SET x = :v", {":v": 4}, returns="ALL_OLD") == {"pk": "a", "sk": "0", "x": 3, "y": 1}
    assert update(dynamodb, table, "SET x = :v", {":v": 5}, returns="NONE") == {}


def test_bad_updates(dynamodb, table):
    for expression, values in [
        ("SET pk = :v", {":v": "z"}),
        ("SET x = y + :v", {":v": 1}),
        ("SET m.a = :v", {":v": 1}),
        ("SET x = :v, x = :v", {":v": 1}),
        ("SET x = :v", {":v": 1, ":unused": 2}),
    ]:
        with fails("ValidationException"):
            update(dynamodb, table, expression, values)


def test_many_increments(dynamodb, table):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: update(dynamodb, table, "ADD n :v", {":v": 1}), range(50)))
    assert get(dynamodb, table, "a")["n"] == 50


# Queries


def query(dynamodb, table, condition, values, **more):
    return dynamodb.query(TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=item(**values), **more)


def sort_keys(answer):
    return [plain(entry)["sk"] for entry in answer["Items"]]


def test_queries(dynamodb, filled):
    every = [f"{n:02}" for n in range(10)]
    assert sort_keys(query(dynamodb, filled, "pk = :p", {":p": "a"})) == every
    assert sort_keys(query(dynamodb, filled, "pk = :p", {":p": "a"}, ScanIndexForward=False)) == every[::-1]
    for condition, values, expected in [
        ("sk > :s", {":s": "07"}, ["08", "09"]),
        ("sk <= :s", {":s": "01"}, ["00", "01"]),
        ("sk BETWEEN :s AND :t", {":s": "03", ":t": "05"}, ["03", "04", "05"]),
        ("begins_with(sk, :s)", {":s": "09"}, ["09"]),
        ("sk = :s", {":s": "04"}, ["04"]),
    ]:
        assert sort_keys(query(dynamodb, filled, f"pk = :p AND {condition}", {":p": "a", **values})) == expected


def test_query_pages_and_filters(dynamodb, filled):
    page = query(dynamodb, filled, "pk = :p", {":p": "a"}, Limit=4)
    assert page["Count"] == 4 and plain(page["LastEvaluatedKey"]) == {"pk": "a", "sk": "03"}
    rest = query(dynamodb, filled, "pk = :p", {":p": "a"}, ExclusiveStartKey=page["LastEvaluatedKey"])
    assert sort_keys(rest)[0] == "04" and "LastEvaluatedKey" not in rest
    found = query(dynamodb, filled, "pk = :p", {":p": "a", ":n": 7}, FilterExpression="n > :n")
    assert sort_keys(found) == ["08", "09"] and found["Count"] == 2 and found["ScannedCount"] == 10
    counted = query(dynamodb, filled, "pk = :p", {":p": "a"}, Select="COUNT")
    assert counted["Count"] == 10 and "Items" not in counted


def test_an_index(dynamodb, filled):
    found = query(dynamodb, filled, "kind = :k AND #at >= :a", {":k": "even", ":a": 4}, IndexName="by_kind", ExpressionAttributeNames={"#at": "at"})
    assert [plain(entry)["at"] for entry in found["Items"]] == [4, 6, 8]
    newest = query(dynamodb, filled, "kind = :k", {":k": "odd"}, IndexName="by_kind", ScanIndexForward=False, Limit=1)
    assert plain(newest["Items"][0])["at"] == 9
    assert set(newest["LastEvaluatedKey"]) == {"pk", "sk", "kind", "at"}
    # The item of `b` has no `kind`: the index does not hold it.
    assert dynamodb.scan(TableName=filled, IndexName="by_kind")["Count"] == 10


def test_an_index_follows_its_table(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="0", kind="x", at=1))
    update(dynamodb, table, "SET kind = :k", {":k": "y"})
    count = lambda kind: query(dynamodb, table, "kind = :k", {":k": kind}, IndexName="by_kind")["Count"]
    assert (count("x"), count("y")) == (0, 1)
    dynamodb.delete_item(TableName=table, Key=item(pk="a", sk="0"))
    assert count("y") == 0


def test_bad_queries(dynamodb, filled):
    with fails("ValidationException"):
        query(dynamodb, filled, "sk = :s", {":s": "00"})
    with fails("ValidationException"):
        query(dynamodb, filled, "pk = :p AND n = :n", {":p": "a", ":n": 1})
    with fails("ValidationException", "ResourceNotFoundException"):
        query(dynamodb, filled, "pk = :p", {":p": "a"}, IndexName="none")


def test_scans(dynamodb, filled):
    assert dynamodb.scan(TableName=filled)["Count"] == 11
    found = dynamodb.scan(TableName=filled, FilterExpression="n >= :n", ExpressionAttributeValues=item(**{":n": 9}))
    assert found["Count"] == 2 and found["ScannedCount"] == 11
    pages = dynamodb.get_paginator("scan").paginate(TableName=filled, PaginationConfig={"PageSize": 3})
    assert sum(page["Count"] for page in pages) == 11
    segments = [dynamodb.scan(TableName=filled, Segment=n, TotalSegments=3)["Count"] for n in range(3)]
    assert sum(segments) == 11


def test_the_table_resource(filled):
    table = boto3.resource("dynamodb", endpoint_url=ENDPOINT).Table(filled)
    found = table.query(KeyConditionExpression=Key("pk").eq("a") & Key("sk").begins_with("0"), FilterExpression=Attr("n").lt(3))
    assert [entry["n"] for entry in found["Items"]] == [0, 1, 2]
    with table.batch_writer() as writer:
        for n in range(30):
            writer.put_item(Item={"pk": "c", "sk": f"{n:02}"})
    assert table.query(KeyConditionExpression=Key("pk").eq("c"))["Count"] == 30


# Batches


def test_batches(dynamodb, table):
    puts = [{"PutRequest": {"Item": item(pk="a", sk=str(n))}} for n in range(25)]
    assert dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"] == {}
    keys = [item(pk="a", sk=str(n)) for n in range(30)]
    got = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})
    assert len(got["Responses"][table]) == 25 and got["UnprocessedKeys"] == {}
    dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": item(pk="a", sk="0")}}]})
    assert get(dynamodb, table, "a") is None
    with fails("ValidationException"):
        dynamodb.batch_write_item(RequestItems={table: puts + [{"PutRequest": {"Item": item(pk="a", sk="x")}}]})
    with fails("ValidationException"):
        dynamodb.batch_write_item(RequestItems={table: puts[:1] * 2})


# Transactions


def test_transactions(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="1", n=1))
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": item(pk="a", sk="0"), "ConditionExpression": "attribute_not_exists(pk)"}},
            {
                "Update": {
                    "TableName": table,
                    "Key": item(pk="a", sk="1"),
                    "UpdateExpression": "SET n = n + :v",
                    "ExpressionAttributeValues": item(**{":v": 1}),
                }
            },
            {"Delete": {"TableName": table, "Key": item(pk="a", sk="2")}},
            {"ConditionCheck": {"TableName": table, "Key": item(pk="a", sk="3"), "ConditionExpression": "attribute_not_exists(pk)"}},
        ]
    )
    got = dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": table, "Key": item(pk="a", sk=sk)}} for sk in ["0", "1", "9"]])
    assert [plain(entry["Item"]).get("n") if "Item" in entry else "-" for entry in got["Responses"]] == [None, 2, "-"]


def test_a_cancelled_transaction_changes_nothing(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item(pk="a", sk="1", n=1))
    with fails("TransactionCanceledException", status=400) as error:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": item(pk="a", sk="0")}},
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": item(pk="a", sk="1"),
                        "ConditionExpression": "n = :v",
                        "ExpressionAttributeValues": item(**{":v": 2}),
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                },
            ]
        )
    reasons = error.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert plain(reasons[1]["Item"])["n"] == 1
    assert get(dynamodb, table, "a") is None


def test_a_transaction_is_idempotent_by_its_token(dynamodb, table):
    add = {"Update": {"TableName": table, "Key": item(pk="a", sk="0"), "UpdateExpression": "ADD n :v", "ExpressionAttributeValues": item(**{":v": 1})}}
    token = new_name()
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken=token)
    assert get(dynamodb, table, "a")["n"] == 1
    with fails("ValidationException"):
        dynamodb.transact_write_items(TransactItems=[add, add])


# PartiQL


def test_statements(dynamodb, filled):
    got = dynamodb.execute_statement(Statement=f'SELECT * FROM "{filled}" WHERE pk = ? AND sk = ?', Parameters=[{"S": "a"}, {"S": "03"}])
    assert [plain(entry)["n"] for entry in got["Items"]] == [3]
    dynamodb.execute_statement(Statement=f"INSERT INTO \"{filled}\" VALUE {{'pk': 'z', 'sk': '0', 'n': 1}}")
    assert get(dynamodb, filled, "z")["n"] == 1
    dynamodb.execute_statement(Statement=f'UPDATE "{filled}" SET n = 2 WHERE pk = \'z\' AND sk = \'0\'')
    dynamodb.execute_statement(Statement=f"DELETE FROM \"{filled}\" WHERE pk = 'z' AND sk = '0'")
    assert get(dynamodb, filled, "z") is None


# Tables


def test_tables(dynamodb, table):
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["TableStatus"] == "ACTIVE" and described["TableArn"].endswith(f"table/{table}")
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert described["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    names = [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    assert table in names
    with fails("ResourceInUseException", status=400):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )


def test_a_missing_table(dynamodb):
    for call in [
        lambda: dynamodb.describe_table(TableName="none-such"),
        lambda: dynamodb.delete_table(TableName="none-such"),
        lambda: dynamodb.get_item(TableName="none-such", Key=item(pk="a")),
        lambda: dynamodb.put_item(TableName="none-such", Item=item(pk="a")),
        lambda: dynamodb.scan(TableName="none-such"),
    ]:
        with fails("ResourceNotFoundException", status=400):
            call()


def test_tables_that_cannot_be(dynamodb):
    with fails("ValidationException"):
        dynamodb.create_table(
            TableName=new_name(),
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "other", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )


def test_time_to_live(dynamodb, table):
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described["TimeToLiveStatus"] in ("ENABLED", "ENABLING") and described["AttributeName"] == "ttl"
    now = int(time.time())
    dynamodb.put_item(TableName=table, Item=item(pk="old", sk="0", ttl=now - 100))
    dynamodb.put_item(TableName=table, Item=item(pk="new", sk="0", ttl=now + 1000))
    assert get(dynamodb, table, "new")["ttl"] == now + 1000


def test_tags(dynamodb, table):
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "x", "Value": "y"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["x"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_backups_are_described(dynamodb, table):
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    described = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert described["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    with fails("TableNotFoundException"):
        dynamodb.describe_continuous_backups(TableName="none-such")


def test_an_index_that_comes_later(dynamodb, filled):
    dynamodb.update_table(
        TableName=filled,
        AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}, {"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by_n",
                    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    for _ in range(20):
        indexes = dynamodb.describe_table(TableName=filled)["Table"]["GlobalSecondaryIndexes"]
        if all(index["IndexStatus"] == "ACTIVE" for index in indexes):
            break
        time.sleep(0.5)
    found = query(dynamodb, filled, "kind = :k", {":k": "odd"}, IndexName="by_n")
    assert found["Count"] == 5 and set(plain(found["Items"][0])) == {"pk", "sk", "kind", "n"}


def test_consumed_capacity(dynamodb, filled):
    got = query(dynamodb, filled, "pk = :p", {":p": "a"}, ReturnConsumedCapacity="TOTAL")
    assert got["ConsumedCapacity"]["TableName"] == filled and got["ConsumedCapacity"]["CapacityUnits"] > 0


# The protocol


def call(target, body, signed=True):
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    if signed:
        headers |= {
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
            "X-Amz-Date": "20260101T000000Z",
        }
    answer = http("POST", ENDPOINT, body, headers)
    return answer, json.loads(answer.body)


def test_answers_are_checked_and_numbered(dynamodb):
    headers = dynamodb.list_tables()["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-requestid"] and headers["content-type"] == "application/x-amz-json-1.0"
    assert int(headers["x-amz-crc32"]) >= 0


def test_requests_that_are_none():
    for target, body, kind in [
        ("DynamoDB_20120810.Nothing", b"{}", "UnknownOperationException"),
        ("DynamoDB_20120810.ListTables", b"{", "SerializationException"),
    ]:
        answer, document = call(target, body)
        assert answer.status == 400 and document["__type"].endswith(kind)


def test_the_cli(aws, filled):
    listed = json.loads(aws("dynamodb", "list-tables"))["TableNames"]
    assert filled in listed
    got = aws("dynamodb", "get-item", "--table-name", filled, "--key", json.dumps(item(pk="a", sk="03")))
    assert plain(json.loads(got)["Item"])["n"] == 3
