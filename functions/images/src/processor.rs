//! The adapter between this crate and what runs it.

use std::io::Write;

use serde::Serialize;
use shared::{Failure, Input, Outputs, Processor, options::ImagesOptions};

use crate::{
    decode::{Format, PictureLimits},
    manifest::Manifest,
    render::render,
};

/// Turns a picture into its renditions and `manifest.json`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Images {
    limits: PictureLimits,
}

/// What the catalogue keeps of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How the picture was written.
    pub format: Format,
    /// As it is seen, in pixels.
    pub width: u32,
    /// As it is seen, in pixels.
    pub height: u32,
    /// How many frames it has; 1 of a still.
    pub frames: u32,
    /// How many renditions were made.
    pub renditions: usize,
    /// What they weigh together.
    pub renditions_bytes: u64,
}

impl Images {
    /// With limits of one's own.
    #[must_use]
    pub const fn new(limits: PictureLimits) -> Self {
        Self { limits }
    }
}

impl Processor for Images {
    const NAME: &'static str = "images";
    const VERSION: u32 = 1;
    type Report = Report;
    type Options = ImagesOptions;

    fn process(
        &self,
        input: Input<'_>,
        options: &ImagesOptions,
        outputs: &mut dyn Outputs,
    ) -> Result<Report, Failure> {
        let made = render(&input, options, &self.limits)?;
        let manifest = Manifest::new(input.facts, &made, options.gps == Some(true));
        let mut put = |name: &str, content_type: &str, bytes: &[u8]| {
            let mut output = outputs.create(name, content_type)?;
            output
                .write_all(bytes)
                .map_err(|error| Failure::from_write(&error))?;
            output.finish()
        };
        for rendition in &made.renditions {
            put(&rendition.name, rendition.format.media_type(), &rendition.bytes)?;
        }
        let json = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| Failure::internal("manifest", error.to_string()))?;
        put("manifest.json", "application/json", &json)?;
        Ok(Report {
            format: manifest.source.format,
            width: manifest.source.width,
            height: manifest.source.height,
            frames: manifest.source.frames,
            renditions: made.renditions.len(),
            renditions_bytes: made
                .renditions
                .iter()
                .map(|rendition| rendition.bytes.len() as u64)
                .sum(),
        })
    }
}
