"""The least that a function in Python can be."""


def handler(event, context):
    return {"message": "hello"}
