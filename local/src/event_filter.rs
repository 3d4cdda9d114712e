//! `FilterCriteria` of event sources: which records of a queue or a stream reach their function.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use serde_json::{Map, Value};

/// What a record must be like; records pass that fit one of the patterns. No pattern lets everything pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters(Vec<Pattern>);

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub(crate) struct PatternError {
    /// Where in the pattern, `dynamodb.NewImage.status.S`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

impl PatternError {
    fn new(place: &str, problem: impl Into<String>) -> Self {
        let place = if place.is_empty() { "the pattern" } else { place };
        Self {
            place: place.to_owned(),
            problem: problem.into(),
        }
    }
}

/// One pattern: a tree whose leaves are lists of rules.
#[derive(Clone, Debug, PartialEq)]
struct Pattern {
    fields: Vec<(String, Node)>,
    /// `$or`: one of each list must fit.
    alternatives: Vec<Vec<Pattern>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Fields(Pattern),
    /// One of them must hold.
    Rules(Vec<Rule>),
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    /// A text, a number, true, false or null.
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    /// None of these holds; the field must be there.
    AnythingBut(Vec<Rule>),
    Exists(bool),
    Numeric(Vec<(Comparison, f64)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filters {
    /// Adds a pattern, the text of a JSON object.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), PatternError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| PatternError::new("", format!("is not JSON: {error}")))?;
        let Value::Object(map) = &value else {
            return Err(PatternError::new("", "is not a JSON object"));
        };
        self.0.push(pattern(map, "")?);
        Ok(())
    }

    /// Whether a record of a stream passes.
    pub(crate) fn pass(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern.fits(record))
    }

    /// Whether a message of a queue passes. A pattern for the fields of its body fits only bodies that are JSON, a
    /// pattern for the body itself only bodies that are not.
    pub(crate) fn pass_message(&self, record: &Value) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let body = record.get("body").and_then(Value::as_str).unwrap_or_default();
        let parsed: Option<Value> = serde_json::from_str(body).ok().filter(Value::is_object);
        self.0.iter().any(|pattern| {
            let asks_for_fields = pattern
                .fields
                .iter()
                .any(|(name, node)| name == "body" && matches!(node, Node::Fields(_)));
            let asks_for_text = pattern
                .fields
                .iter()
                .any(|(name, node)| name == "body" && matches!(node, Node::Rules(_)));
            match &parsed {
                Some(_) if asks_for_text => false,
                Some(parsed) if asks_for_fields => {
                    let mut record = record.clone();
                    if let Some(map) = record.as_object_mut() {
                        map.insert("body".to_owned(), parsed.clone());
                    }
                    pattern.fits(&record)
                }
                None if asks_for_fields => false,
                _ => pattern.fits(record),
            }
        })
    }
}

fn join(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

fn pattern(map: &Map<String, Value>, place: &str) -> Result<Pattern, PatternError> {
    let mut read = Pattern {
        fields: Vec::new(),
        alternatives: Vec::new(),
    };
    if map.is_empty() {
        return Err(PatternError::new(place, "is empty"));
    }
    for (key, value) in map {
        let place = join(place, key);
        match value {
            Value::Array(items) if key == "$or" => {
                let alternatives = items
                    .iter()
                    .map(|item| match item {
                        Value::Object(map) => pattern(map, &place),
                        _ => Err(PatternError::new(&place, "wants a list of patterns")),
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                if alternatives.len() < 2 {
                    return Err(PatternError::new(&place, "wants two patterns or more"));
                }
                read.alternatives.push(alternatives);
            }
            Value::Object(map) => read
                .fields
                .push((key.clone(), Node::Fields(pattern(map, &place)?))),
            Value::Array(items) if items.is_empty() => {
                return Err(PatternError::new(&place, "has no rule"));
            }
            Value::Array(items) => {
                let rules = items
                    .iter()
                    .map(|item| rule(item, &place))
                    .collect::<Result<_, _>>()?;
                read.fields.push((key.clone(), Node::Rules(rules)));
            }
            _ => {
                return Err(PatternError::new(&place, "is neither a map nor a list of rules"));
            }
        }
    }
    Ok(read)
}

fn rule(value: &Value, place: &str) -> Result<Rule, PatternError> {
    let map = match value {
        Value::Object(map) => map,
        Value::Array(_) => return Err(PatternError::new(place, "has a list inside a list of rules")),
        scalar => return Ok(Rule::Equals(scalar.clone())),
    };
    let mut entries = map.iter();
    let (Some((name, argument)), None) = (entries.next(), entries.next()) else {
        return Err(PatternError::new(place, "a rule has one key"));
    };
    let text = || match argument {
        Value::String(text) => Ok(text.clone()),
        _ => Err(PatternError::new(place, format!("{name} wants a text"))),
    };
    match name.as_str() {
        "prefix" => Ok(Rule::Prefix(text()?)),
        "suffix" => Ok(Rule::Suffix(text()?)),
        "equals-ignore-case" => Ok(Rule::EqualsIgnoreCase(text()?)),
        "exists" => match argument {
            Value::Bool(exists) => Ok(Rule::Exists(*exists)),
            _ => Err(PatternError::new(place, "exists wants true or false")),
        },
        "anything-but" => anything_but(argument, place),
        "numeric" => numeric(argument, place),
        other => Err(PatternError::new(place, format!("the rule {other} is not known"))),
    }
}

fn anything_but(argument: &Value, place: &str) -> Result<Rule, PatternError> {
    let is_scalar = |value: &Value| value.is_string() || value.is_number();
    let excluded = match argument {
        Value::Array(items) if !items.is_empty() && items.iter().all(is_scalar) => {
            items.iter().cloned().map(Rule::Equals).collect()
        }
        scalar if is_scalar(scalar) => vec![Rule::Equals(scalar.clone())],
        Value::Object(_) => match rule(argument, place)? {
            inner @ (Rule::Prefix(_) | Rule::Suffix(_) | Rule::EqualsIgnoreCase(_)) => vec![inner],
            _ => {
                return Err(PatternError::new(
                    place,
                    "anything-but cannot turn that rule around",
                ));
            }
        },
        _ => {
            return Err(PatternError::new(
                place,
                "anything-but wants texts, numbers, or a prefix",
            ));
        }
    };
    Ok(Rule::AnythingBut(excluded))
}

fn numeric(argument: &Value, place: &str) -> Result<Rule, PatternError> {
    let fail = || PatternError::new(place, "numeric wants pairs of =, <, <=, > or >= and a number");
    let items = argument.as_array().ok_or_else(fail)?;
    let comparisons = items
        .chunks(2)
        .map(|pair| {
            let [Value::String(operator), Value::Number(number)] = pair else {
                return Err(fail());
            };
            let comparison = match operator.as_str() {
                "=" => Comparison::Equal,
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                ">" => Comparison::Greater,
                ">=" => Comparison::GreaterOrEqual,
                _ => return Err(fail()),
            };
            Ok((comparison, number.as_f64().ok_or_else(fail)?))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if comparisons.is_empty() || comparisons.len() > 2 {
        return Err(fail());
    }
    Ok(Rule::Numeric(comparisons))
}

impl Pattern {
    fn fits(&self, value: &Value) -> bool {
        // Of a list one member must fit as a whole.
        if let Value::Array(items) = value {
            return items.iter().any(|item| self.fits(item));
        }
        let fields = self.fields.iter().all(|(name, node)| {
            let member = value.get(name);
            match node {
                Node::Fields(pattern) => pattern.fits(member.unwrap_or(&Value::Null)),
                Node::Rules(rules) => rules.iter().any(|rule| rule.holds_for(member)),
            }
        });
        let mut alternatives = self.alternatives.iter();
        fields && alternatives.all(|several| several.iter().any(|pattern| pattern.fits(value)))
    }
}

impl Rule {
    fn holds_for(&self, member: Option<&Value>) -> bool {
        match (self, member) {
            // Only a leaf counts as being there.
            (Self::Exists(wanted), member) => *wanted == member.is_some_and(|value| !value.is_object()),
            (_, None | Some(Value::Object(_))) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.holds_for(Some(item))),
            (_, Some(scalar)) => self.holds(scalar),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Equals(expected) => same(expected, value),
            Self::EqualsIgnoreCase(expected) => {
                text.is_some_and(|text| text.to_lowercase() == expected.to_lowercase())
            }
            Self::Prefix(start) => text.is_some_and(|text| text.starts_with(start)),
            Self::Suffix(end) => text.is_some_and(|text| text.ends_with(end)),
            Self::AnythingBut(excluded) => !excluded.iter().any(|rule| rule.holds(value)),
            Self::Exists(wanted) => *wanted,
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons
                    .iter()
                    .all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
        }
    }
}

impl Comparison {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Equal => number.total_cmp(&bound).is_eq(),
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }
}

/// Numbers are the same when their values are: `300` and `300.0`.
fn same(expected: &Value, value: &Value) -> bool {
    match (expected.as_f64(), value.as_f64()) {
        (Some(expected), Some(value)) => expected.total_cmp(&value).is_eq(),
        _ => expected == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filters(patterns: &[Value]) -> Filters {
        let mut filters = Filters::default();
        for pattern in patterns {
            filters.add(&pattern.to_string()).unwrap();
        }
        filters
    }

    #[test]
    fn rules_hold_as_documented() {
        let record = json!({
            "name": "Alice", "empty": "", "none": null, "count": 300, "ok": true,
            "tags": ["red", "blue"], "inner": {"price": 9.5}, "items": [{"a": 1, "b": 1}, {"a": 2, "b": 2}],
        });
        for (pattern, expected) in [
            (json!({"name": ["Bob", "Alice"]}), true),
            (json!({"name": ["alice"]}), false),
            (json!({"empty": [""]}), true),
            (json!({"none": [null]}), true),
            (json!({"missing": [null]}), false),
            (json!({"count": [300.0]}), true),
            (json!({"count": ["300"]}), false),
            (json!({"ok": [true]}), true),
            (json!({"tags": ["blue"]}), true),
            (json!({"name": [{"prefix": "Al"}]}), true),
            (json!({"name": [{"suffix": "ce"}]}), true),
            (json!({"name": [{"suffix": "CE"}]}), false),
            (json!({"name": [{"equals-ignore-case": "aLICE"}]}), true),
            (json!({"name": [{"anything-but": ["Alice", "Bob"]}]}), false),
            (json!({"name": [{"anything-but": "Bob"}]}), true),
            (json!({"name": [{"anything-but": {"prefix": "Al"}}]}), false),
            (json!({"name": [{"anything-but": {"prefix": "Bo"}}]}), true),
            (json!({"missing": [{"anything-but": "x"}]}), false),
            (json!({"count": [{"anything-but": [299, 301]}]}), true),
            (json!({"name": [{"exists": true}]}), true),
            (json!({"none": [{"exists": true}]}), true),
            (json!({"missing": [{"exists": true}]}), false),
            (json!({"missing": [{"exists": false}]}), true),
            (json!({"missing": {"deeper": [{"exists": false}]}}), true),
            (json!({"inner": [{"exists": true}]}), false),
            (json!({"count": [{"numeric": [">", 299, "<=", 300]}]}), true),
            (json!({"count": [{"numeric": ["<", 300]}]}), false),
            (json!({"inner": {"price": [{"numeric": ["=", 9.5]}]}}), true),
            (json!({"name": [{"numeric": ["=", 1]}]}), false),
            (json!({"name": ["Alice"], "count": [1]}), false),
            (json!({"$or": [{"count": [1]}, {"name": ["Alice"]}]}), true),
            (
                json!({"ok": [true], "$or": [{"count": [1]}, {"name": ["Bob"]}]}),
                false,
            ),
            (json!({"items": {"a": [1], "b": [1]}}), true),
            (json!({"items": {"a": [1], "b": [2]}}), false),
        ] {
            assert_eq!(
                filters(std::slice::from_ref(&pattern)).pass(&record),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn one_of_several_patterns_is_enough_and_none_lets_all_pass() {
        let record = json!({"eventName": "INSERT"});
        assert!(Filters::default().pass(&record));
        let remove = json!({"eventName": ["REMOVE"]});
        assert!(!filters(std::slice::from_ref(&remove)).pass(&record));
        assert!(filters(&[remove, json!({"eventName": ["INSERT"]})]).pass(&record));
    }

    #[test]
    fn bodies_of_messages_are_read_when_the_pattern_asks_for_their_fields() {
        let fields = filters(&[json!({"body": {"kind": ["a"]}})]);
        let text = filters(&[json!({"body": ["plain"]})]);
        let other = filters(&[json!({"messageAttributes": {"k": {"stringValue": ["v"]}}})]);
        for (body, expected) in [
            (r#"{"kind":"a"}"#, [true, false, true]),
            (r#"{"kind":"b"}"#, [false, false, true]),
            ("plain", [false, true, true]),
            ("other", [false, false, true]),
        ] {
            let record = json!({"body": body, "messageAttributes": {"k": {"stringValue": "v"}}});
            let passed = [&fields, &text, &other].map(|filters| filters.pass_message(&record));
            assert_eq!(passed, expected, "{body}");
        }
        assert!(Filters::default().pass_message(&json!({"body": "x"})));
    }

    #[test]
    fn what_is_no_pattern_is_named_with_its_place() {
        for (text, expected) in [
            ("[]", "the pattern: is not a JSON object"),
            ("{}", "the pattern: is empty"),
            (r#"{"a":{"b":1}}"#, "a.b: is neither a map nor a list of rules"),
            (r#"{"a":[]}"#, "a: has no rule"),
            (
                r#"{"a":{"b":[{"wildcard":"x*"}]}}"#,
                "a.b: the rule wildcard is not known",
            ),
            (r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "a: a rule has one key"),
            (r#"{"a":[{"prefix":1}]}"#, "a: prefix wants a text"),
            (r#"{"a":[{"exists":"yes"}]}"#, "a: exists wants true or false"),
            (
                r#"{"a":[{"numeric":["~",1]}]}"#,
                "a: numeric wants pairs of =, <, <=, > or >= and a number",
            ),
            (
                r#"{"a":[{"numeric":[]}]}"#,
                "a: numeric wants pairs of =, <, <=, > or >= and a number",
            ),
            (
                r#"{"a":[{"anything-but":{"exists":true}}]}"#,
                "a: anything-but cannot turn that rule around",
            ),
            (r#"{"$or":[{"a":[1]}]}"#, "$or: wants two patterns or more"),
        ] {
            let error = Filters::default().add(text).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        }
        assert!(Filters::default().add("{").is_err());
    }
}
