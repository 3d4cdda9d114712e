//! The two functions that this binary is: one unloads uploads, one renders on request. Which of them, the handler's name says.

use std::process::ExitCode;

use shared::{
    config::{ConfigError, Environment},
    options::ImagesOptions,
};

use crate::{Images, decode::PictureLimits, on_request};

/// The handler's name (`_HANDLER`) of the function that renders on request.
pub const ON_REQUEST: &str = "on-request";

/// Runs on Lambda until the environment is taken down.
#[must_use]
pub fn run() -> ExitCode {
    let environment = Environment::of_process();
    if environment.optional("_HANDLER") == Some(ON_REQUEST) {
        return on_request::run(&environment);
    }
    shared::lambda::run_with(|environment| {
        Ok(Images::new(PictureLimits::default()).with_spec(spec(environment)?))
    })
}

/// What is asked for where neither the upload's options nor its metadata say anything: `IMAGES_SPEC`, JSON.
fn spec(environment: &Environment) -> Result<ImagesOptions, ConfigError> {
    let Some(text) = environment.optional("IMAGES_SPEC") else {
        return Ok(ImagesOptions::default());
    };
    let options = ImagesOptions::from_json(text).and_then(|options| options.resolve().map(|_| options));
    options.map_err(|error| ConfigError::Invalid {
        name: "IMAGES_SPEC",
        value: text.to_owned(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployments_specification_is_checked_at_the_start() {
        let read = |text| spec(&Environment::from([("IMAGES_SPEC", text)]));
        assert_eq!(read("").unwrap(), ImagesOptions::default());
        assert!(read(r#"{"widths": [640], "formats": ["avif"]}"#).is_ok());
        for (text, named) in [
            (r#"{"widths": [0]}"#, "widths[0]"),
            (r#"{"width": [1]}"#, "width"),
            ("320", "320"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("IMAGES_SPEC") && error.contains(named), "{error}");
        }
    }
}
