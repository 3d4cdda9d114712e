"""What `/openapi.json` promises, and whether an answer keeps to it."""

import re
from collections import Counter

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = "urn:openapi"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Description:
    """An OpenAPI 3.1 document. `held` counts the answers that were held to it, by operation and status."""

    def __init__(self, document):
        self.document = document
        self.registry = Registry().with_resource(ROOT, Resource(document, DRAFT202012))
        self.held = Counter()

    def operations(self):
        """Each (method, path, operation)."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    yield method.upper(), path, operation

    def operation(self, method, path):
        """The operation that a request is for; a path without parameters comes before one with them."""
        bare = path.partition("?")[0]
        for candidate in sorted(self.document["paths"], key=lambda template: template.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(candidate))
            item = self.document["paths"][candidate]
            if re.fullmatch(pattern, bare) and method.lower() in item:
                return item[method.lower()]
        raise AssertionError(f"{method} {path} is not described")

    def problems(self, schema, instance):
        """What is wrong with an instance of a schema of the document, formats included."""
        checker = Draft202012Validator.FORMAT_CHECKER
        validator = Draft202012Validator(_absolute(schema), registry=self.registry, format_checker=checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]

    def hold(self, method, path, answer):
        """Fails unless an answer's status, headers, media type and body are as described."""
        operation = self.operation(method, path)
        place = f"{method} {path}: {answer.status_code}"
        promised = operation["responses"].get(str(answer.status_code))
        assert promised, f"{place} is not described: {answer.text[:500]}"
        for name, header in promised.get("headers", {}).items():
            assert name in answer.headers or not header.get("required"), f"{place} has no header {name}"
            if name in answer.headers:
                assert not self.problems(header["schema"], answer.headers[name]), f"{place}: header {name}"
        if "content" in promised:
            media_type = answer.headers["content-type"].partition(";")[0]
            assert media_type in promised["content"], f"{place}: {media_type} is not described"
            problems = self.problems(promised["content"][media_type]["schema"], answer.json())
            assert not problems, f"{place}: {problems}"
        else:
            assert not answer.content, f"{place} has a body that is not described: {answer.text[:500]}"
        self.held[operation["operationId"], answer.status_code] += 1

    def examples(self):
        """Each (place, schema, example) of the document."""
        for method, path, operation in self.operations():
            name = f"{method} {path}"
            for parameter in operation.get("parameters", []):
                yield from _examples(f"{name} {parameter['in']} {parameter['name']}", parameter)
            for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
                yield from _examples(f"{name} request {media_type}", media)
            for status, response in operation["responses"].items():
                for header, described in response.get("headers", {}).items():
                    yield from _examples(f"{name} {status} header {header}", described)
                for media_type, media in response.get("content", {}).items():
                    yield from _examples(f"{name} {status} {media_type}", media)


def _absolute(schema):
    """A schema whose references lead into the whole document, wherever the schema is."""
    if isinstance(schema, list):
        return [_absolute(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: ROOT + value if name == "$ref" else _absolute(value) for name, value in schema.items()}


def _examples(place, described):
    if "example" in described:
        yield place, described["schema"], described["example"]
    for name, example in described.get("examples", {}).items():
        yield f"{place} {name}", described["schema"], example["value"]
