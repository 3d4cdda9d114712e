"""Tells an owner's endpoints, by way of a queue, what became of a file."""

import json
import os

import boto3

dynamodb = boto3.client("dynamodb")
sqs = boto3.client("sqs")

TABLE = os.environ["TABLE_NAME"]
QUEUE = os.environ["DELIVERIES_QUEUE_URL"]
FINAL = {"done", "rejected", "failed", "removed", "expired"}


def tell(image):
    owner = image["owner"]["S"]
    endpoints = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk AND sk < :after_all_ids",
        ExpressionAttributeValues={":pk": {"S": f"{owner}/webhooks"}, ":after_all_ids": {"S": "8"}},
    )["Items"]
    for endpoint in endpoints:
        delivery = {"endpoint": endpoint["sk"]["S"], "file": image["id"]["S"], "status": image["status"]["S"]}
        sqs.send_message(QueueUrl=QUEUE, MessageBody=json.dumps(delivery))


def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if image and image.get("status", {}).get("S") in FINAL:
            try:
                tell(image)
            except Exception as error:
                print(f"the change could not be seen to: {error}")
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
