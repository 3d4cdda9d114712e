//! The parameters of a rendition on request.

use serde_json::{Value, json};

use super::Parameter;

/// The name alone is as good as `true`.
fn truth() -> Value {
    json!({"enum": [true, false, ""], "default": false})
}

/// What [`shared::image_url::PARAMETERS`] names, and how long the address is good for.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "w",
        description: "Width in pixels",
        schema: || json!({"type": "integer", "minimum": 1, "maximum": 16384}),
        example: "640",
    },
    Parameter {
        name: "h",
        description: "Height in pixels",
        schema: || json!({"type": "integer", "minimum": 1, "maximum": 16384}),
        example: "480",
    },
    Parameter {
        name: "fit",
        description: "How the picture meets a width and a height that are not of its shape; all but `inside` need both",
        schema: || json!({"type": "string", "enum": ["inside", "cover", "contain", "fill"], "default": "inside"}),
        example: "cover",
    },
    Parameter {
        name: "focus",
        description: "What stays in sight with `cover`: `attention`, or a point from `0,0` (left, top) to `1,1`",
        schema: || json!({"type": "string", "pattern": "^(attention|(0(\\.[0-9]{1,3})?|1),(0(\\.[0-9]{1,3})?|1))$"}),
        example: "0.5,0.3",
    },
    Parameter {
        name: "format",
        description: "How it is written; what the client accepts if it is not given",
        schema: || json!({"type": "string", "enum": ["webp", "jpeg", "avif", "png"]}),
        example: "webp",
    },
    Parameter {
        name: "q",
        description: "Quality of lossy formats",
        schema: || json!({"type": "integer", "minimum": 1, "maximum": 100, "default": 80}),
        example: "75",
    },
    Parameter {
        name: "max_bytes",
        description: "The best quality with which it has at most so many bytes, instead of `q`",
        schema: || json!({"type": "integer", "minimum": 100, "maximum": 100_000_000}),
        example: "50000",
    },
    Parameter {
        name: "progressive",
        description: "Of JPEG: from coarse to fine as it loads",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "lossless",
        description: "Of WebP: each pixel as it is",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "animated",
        description: "Of WebP: all frames of an animation",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "background",
        description: "What shows through, `rrggbb` or `rrggbbaa`",
        schema: || json!({"type": "string", "pattern": "^#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"}),
        example: "ffffff",
    },
    Parameter {
        name: "rotate",
        description: "Clockwise, in degrees",
        schema: || json!({"type": "integer", "enum": [90, 180, 270]}),
        example: "90",
    },
    Parameter {
        name: "flip",
        description: "Upside down",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "flop",
        description: "Left to right",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "blur",
        description: "Standard deviation of a Gaussian blur, in pixels",
        schema: || json!({"type": "number", "minimum": 0.3, "maximum": 100}),
        example: "1.5",
    },
    Parameter {
        name: "sharpen",
        description: "Standard deviation of an unsharp mask, in pixels",
        schema: || json!({"type": "number", "minimum": 0.3, "maximum": 10}),
        example: "1",
    },
    Parameter {
        name: "brightness",
        description: "Factor; 1 changes nothing",
        schema: || json!({"type": "number", "minimum": 0, "maximum": 10}),
        example: "1.1",
    },
    Parameter {
        name: "contrast",
        description: "Factor; 1 changes nothing",
        schema: || json!({"type": "number", "minimum": 0, "maximum": 10}),
        example: "1.1",
    },
    Parameter {
        name: "saturation",
        description: "Factor; 1 changes nothing",
        schema: || json!({"type": "number", "minimum": 0, "maximum": 10}),
        example: "0.8",
    },
    Parameter {
        name: "grayscale",
        description: "Greys only",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "sepia",
        description: "As an old photograph",
        schema: truth,
        example: "true",
    },
    Parameter {
        name: "tint",
        description: "In the hue of this colour, `rrggbb`",
        schema: || json!({"type": "string", "pattern": "^#?([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$"}),
        example: "704214",
    },
    Parameter {
        name: "expires_in",
        description: "How long the address is good for, in seconds",
        schema: || json!({"type": "integer", "minimum": 60, "maximum": 604_800, "default": 3_600}),
        example: "86400",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_is_described_and_its_example_is_taken() {
        let described: Vec<_> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
        let mut known: Vec<_> = shared::image_url::PARAMETERS
            .iter()
            .map(|(name, _)| *name)
            .collect();
        known.push("expires_in");
        assert_eq!(described, known);
        for parameter in PARAMETERS
            .iter()
            .filter(|parameter| parameter.name != "expires_in")
        {
            let with: &[(&str, &str)] = match parameter.name {
                "fit" | "focus" => &[("w", "1"), ("h", "1")],
                "progressive" => &[("format", "jpeg")],
                _ => &[],
            };
            let cover = [("fit", "cover")]
                .into_iter()
                .filter(|_| parameter.name == "focus");
            let pairs = with
                .iter()
                .copied()
                .chain(cover)
                .chain([(parameter.name, parameter.example)]);
            let read = shared::image_url::read_query(pairs);
            assert!(read.is_ok(), "{}: {read:?}", parameter.name);
        }
    }
}
