//! Which route a request takes: the most specific one, `$default` last.
//! Reference: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>

use std::cmp::Reverse;
use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::template::Route;

pub(super) struct Routes(Vec<Prepared>);

/// The route of a request.
pub(super) struct Matched<'a> {
    pub(super) route: &'a Route,
    /// Decoded path parameters.
    pub(super) parameters: BTreeMap<String, String>,
}

struct Prepared {
    route: Route,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// `{proxy+}`: one segment or more.
    Greedy(String),
}

impl Routes {
    pub(super) fn new(routes: &[Route]) -> Self {
        let mut prepared: Vec<Prepared> = routes
            .iter()
            .map(|route| Prepared {
                route: route.clone(),
                segments: segments(&route.path),
            })
            .collect();
        prepared.sort_by_key(Prepared::rank);
        Self(prepared)
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Matched<'_>> {
        self.0.iter().find_map(|prepared| {
            let taken = prepared.route.method == "ANY" || prepared.route.method == method.as_str();
            let parameters = prepared.parameters(path).filter(|_| taken)?;
            Some(Matched {
                route: &prepared.route,
                parameters,
            })
        })
    }
}

impl Prepared {
    /// Less is tried first: exact paths before greedy ones, literals before parameters from the left, longer
    /// before shorter, a method before `ANY`, `$default` at the end.
    fn rank(&self) -> (bool, bool, Vec<u8>, Reverse<usize>, bool) {
        let greedy = self
            .segments
            .iter()
            .any(|segment| matches!(segment, Segment::Greedy(_)));
        let kinds = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => 0,
            Segment::Parameter(_) => 1,
            Segment::Greedy(_) => 2,
        });
        let is_default = self.route.path == "$default";
        (
            is_default,
            greedy,
            kinds.collect(),
            Reverse(self.segments.len()),
            self.route.method == "ANY",
        )
    }

    fn parameters(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut parameters = BTreeMap::new();
        if self.route.path == "$default" {
            return Some(parameters);
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let left = rest?;
            let (first, after) = match left.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (left, None),
            };
            match segment {
                Segment::Literal(literal) if decode(first) == *literal => rest = after,
                Segment::Parameter(name) if !first.is_empty() => {
                    parameters.insert(name.clone(), decode(first));
                    rest = after;
                }
                Segment::Greedy(name) if !left.is_empty() => {
                    parameters.insert(name.clone(), decode(left));
                    return Some(parameters);
                }
                _ => return None,
            }
        }
        rest.is_none().then_some(parameters)
    }
}

fn segments(path: &str) -> Vec<Segment> {
    let parts = path.strip_prefix('/').unwrap_or(path).split('/');
    parts
        .map(
            |part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Greedy(name.to_owned()),
                    None => Segment::Parameter(name.to_owned()),
                },
                None => Segment::Literal(part.to_owned()),
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn routes(keys: &[&str]) -> Routes {
        let routes: Vec<Route> = keys
            .iter()
            .map(|key| {
                let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
                Route {
                    api: "a".to_owned(),
                    method: method.to_owned(),
                    path: path.to_owned(),
                    function: "f".to_owned(),
                    authorizer: None,
                    scopes: None,
                    integration_timeout: Duration::from_secs(30),
                }
            })
            .collect();
        Routes::new(&routes)
    }

    #[test]
    fn the_most_specific_route_wins() {
        let routes = routes(&[
            "$default",
            "ANY /pets/{proxy+}",
            "GET /pets/{id}",
            "GET /pets/{id}/toys/{toy}",
            "ANY /pets/{id}",
            "GET /pets/dog",
            "POST /{proxy+}",
            "GET /",
        ]);
        for (method, path, expected) in [
            ("GET", "/pets/dog", "GET /pets/dog"),
            ("GET", "/pets/cat", "GET /pets/{id}"),
            ("PUT", "/pets/cat", "ANY /pets/{id}"),
            ("GET", "/pets/cat/toys/ball", "GET /pets/{id}/toys/{toy}"),
            ("GET", "/pets/cat/other", "ANY /pets/{proxy+}"),
            ("POST", "/else/where", "POST /{proxy+}"),
            ("GET", "/else", "$default"),
            ("GET", "/", "GET /"),
            ("DELETE", "/", "$default"),
            ("GET", "/pets/", "$default"),
        ] {
            let found = routes
                .find(&method.parse().unwrap(), path)
                .map(|matched| matched.route.key());
            assert_eq!(found.as_deref(), Some(expected), "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let routes = routes(&["GET /files/{id}/outputs/{name}", "GET /raw/{rest+}"]);
        let found = routes
            .find(&Method::GET, "/files/a%2Fb%20c/outputs/t%C3%BC.pb")
            .unwrap();
        let expected = [("id", "a/b c"), ("name", "tü.pb")];
        assert_eq!(
            found.parameters,
            expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
        );
        let found = routes.find(&Method::GET, "/raw/a/b%20c/").unwrap();
        assert_eq!(found.parameters["rest"], "a/b c/");
        assert!(routes.find(&Method::GET, "/files//outputs/x").is_none());
        assert!(routes.find(&Method::POST, "/raw/a").is_none());
    }
}
