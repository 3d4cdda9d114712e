"""Three thumbnails of a picture."""

import hashlib
import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")

TABLE = os.environ["TABLE_NAME"]
RESULTS = os.environ["RESULTS_BUCKET"]
SIDES = (1024, 640, 320)


def render(picture, side):
    small = picture.copy()
    small.thumbnail((side, side))
    body = io.BytesIO()
    small.save(body, "JPEG", quality=80)
    return body.getvalue()


def unload(record):
    bucket = record["s3"]["bucket"]["name"]
    thing = record["s3"]["object"]
    name = unquote_plus(thing["key"])
    owner = name.split("/")[1]
    file_id = hashlib.sha256(f"{bucket}/{name}".encode()).hexdigest()[:26]
    body = s3.get_object(Bucket=bucket, Key=name, IfMatch=thing["eTag"])["Body"].read()
    picture = Image.open(io.BytesIO(body))
    # The decoder skips what no thumbnail needs.
    picture.draft("RGB", (SIDES[0], SIDES[0]))
    picture.load()
    outputs = []
    for side in SIDES:
        small = render(picture, side)
        key = f"images/{owner}/{file_id}/{side}.jpeg"
        s3.put_object(Bucket=RESULTS, Key=key, Body=small, ContentType="image/jpeg")
        outputs.append(
            {"M": {"name": {"S": f"{side}.jpeg"}, "key": {"S": key}, "size_bytes": {"N": str(len(small))}}}
        )
    dynamodb.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"{owner}/{file_id}"}, "sk": {"S": "record"}},
        UpdateExpression="SET #status = :done, outputs = :outputs",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":done": {"S": "done"}, ":outputs": {"L": outputs}},
    )
    return {"owner": owner, "file_id": file_id, "outcome": "done"}


def handler(event, context):
    return {"files": [unload(record) for record in event["Records"]]}
