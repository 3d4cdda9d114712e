"""The description by itself: valid, complete, its examples true to its schemas."""

from openapi_spec_validator import OpenAPIV31SpecValidator

from description import Description


def test_it_is_valid_openapi(description):
    assert description.document["openapi"].startswith("3.1.")
    problems = [f"{error.json_path}: {error.message}" for error in OpenAPIV31SpecValidator(description.document).iter_errors()]
    assert not problems


def test_every_example_is_true_to_its_schema(description):
    examples = list(description.examples())
    assert len(examples) > 100
    problems = {place: found for place, schema, example in examples if (found := description.problems(schema, example))}
    assert not problems


def test_every_body_has_an_example(description):
    places = {place for place, _, _ in description.examples()}
    for method, path, operation in description.operations():
        if "requestBody" in operation:
            assert f"{method} {path} request application/json" in places
        for status, response in operation["responses"].items():
            if status.startswith("2") and "content" in response:
                assert f"{method} {path} {status} application/json" in places


def test_an_example_that_is_wrong_is_found(description):
    """The checks above can fail: references are followed, formats are looked at, what is unknown is refused."""
    schema = {"$ref": "#/components/schemas/FileView"}
    _, _, example = next(found for found in description.examples() if found[0] == "GET /v1/files/{id} 200 application/json")
    assert not description.problems(schema, example)
    for wrong in [{"id": "no-id"}, {"status": "lost"}, {"created_at": "yesterday"}, {"size_bytes": -1}]:
        assert description.problems(schema, example | wrong), wrong
    assert description.problems({"$ref": "#/components/schemas/NewUpload"}, {"name": "a", "size_bytes": 1, "nmae": "b"})
    assert list(OpenAPIV31SpecValidator({"openapi": "3.1.0", "info": {}}).iter_errors())
    assert not list(Description({"openapi": "3.1.0", "paths": {}}).examples())
