//! Where the options of `images` come from, and which renditions they make together.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Asked, DEFAULT_WIDTHS, ImageFormat, ImagesOptions, OptionError, Quality, RenditionSpec, Side,
    each_in_metadata,
    images::{check_renditions, few},
};

impl Asked for ImagesOptions {
    fn or_metadata(self, metadata: &BTreeMap<String, String>) -> Result<Self, OptionError> {
        let metadata = metadata
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(self.or(Self::from_metadata(metadata)?))
    }
}

/// A part of JSON, with the path to what is wrong in it.
fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, OptionError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner();
        OptionError(if path == "." {
            problem.to_string()
        } else {
            format!("{path}: {problem}")
        })
    })?;
    deserializer
        .end()
        .map_err(|error| OptionError(error.to_string()))?;
    Ok(read)
}

impl ImagesOptions {
    /// The options that a JSON text says: of a stack's parameter, or of a file.
    ///
    /// # Errors
    /// Names the path to what is wrong, and the reason.
    pub fn from_json(text: &str) -> Result<Self, OptionError> {
        from_json(text)
    }

    /// The options in an object's metadata, without regard to case and to `-` or `_` between words:
    ///
    /// ```text
    /// x-amz-meta-longshore-widths: 320,1024
    /// x-amz-meta-longshore-formats: webp,jpeg
    /// x-amz-meta-longshore-quality: 80
    /// x-amz-meta-longshore-background: #ffffff
    /// x-amz-meta-longshore-keep-copyright: true
    /// x-amz-meta-longshore-gps: true
    /// x-amz-meta-longshore-renditions: [{"width": 320}]
    /// ```
    ///
    /// # Errors
    /// Names what is no option, and what is no value of one.
    pub fn from_metadata<'a>(
        metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, OptionError> {
        let mut options = Self::default();
        each_in_metadata(metadata, |option, value| options.set(option, value))?;
        Ok(options)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), OptionError> {
        match option {
            "renditions" => {
                let json = format!("{{\"renditions\":{value}}}");
                self.renditions = Self::from_json(&json)?.renditions;
            }
            "widths" => {
                let list: Vec<Side> = value.split(',').map(Side::parse).collect::<Result<_, _>>()?;
                few(&list, 12, "widths")?;
                self.widths = Some(list);
            }
            "formats" => {
                let list: Vec<ImageFormat> = value.split(',').map(format).collect::<Result<_, _>>()?;
                few(&list, 4, "formats")?;
                self.formats = Some(list);
            }
            "quality" => self.quality = Some(Quality::parse(value)?),
            "background" => self.background = Some(value.trim().to_owned().try_into()?),
            "keep_copyright" => self.keep_copyright = Some(truth(value)?),
            "gps" => self.gps = Some(truth(value)?),
            _ => {
                let options = "renditions, widths, formats, quality, background, keep-copyright, gps";
                return Err(OptionError(format!(
                    "no option of that name: there are {options}"
                )));
            }
        }
        Ok(())
    }

    /// These options, and where they say nothing those of `other`. Whoever says which renditions there are, as a list or by
    /// widths and formats, says it alone or with the other of those two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let listed = self.renditions.is_some();
        let crossed = self.widths.is_some() || self.formats.is_some();
        Self {
            renditions: self.renditions.or(other.renditions.filter(|_| !crossed)),
            widths: self.widths.or(other.widths.filter(|_| !listed)),
            formats: self.formats.or(other.formats.filter(|_| !listed)),
            quality: self.quality.or(other.quality),
            background: self.background.or(other.background),
            keep_copyright: self.keep_copyright.or(other.keep_copyright),
            gps: self.gps.or(other.gps),
        }
    }

    /// The renditions there shall be, each with what the options say of all.
    ///
    /// # Errors
    /// What does not go together.
    pub fn resolve(&self) -> Result<Vec<RenditionSpec>, OptionError> {
        let mut specs = match &self.renditions {
            Some(_) if self.widths.is_some() || self.formats.is_some() => {
                let field = if self.widths.is_some() {
                    "widths"
                } else {
                    "formats"
                };
                return Err(OptionError(format!("{field}: not beside renditions")));
            }
            Some(list) => list.clone(),
            None => self.crossed(),
        };
        for spec in &mut specs {
            let lossless = spec.format() == ImageFormat::Png || spec.lossless == Some(true);
            if spec.quality.is_none() && spec.target_bytes.is_none() && !lossless {
                spec.quality = self.quality;
            }
            spec.background = spec.background.or(self.background);
        }
        if self.renditions.is_some() {
            check_renditions(&specs)?;
        }
        Ok(specs)
    }

    /// Each width in each format.
    fn crossed(&self) -> Vec<RenditionSpec> {
        let widths = match &self.widths {
            Some(widths) => widths.clone(),
            None => DEFAULT_WIDTHS.into_iter().filter_map(Side::new).collect(),
        };
        let formats = self
            .formats
            .as_deref()
            .unwrap_or(&[ImageFormat::Webp, ImageFormat::Jpeg]);
        let spec = |width: &Side, format: &ImageFormat| RenditionSpec {
            width: Some(*width),
            format: Some(*format),
            ..RenditionSpec::default()
        };
        widths
            .iter()
            .flat_map(|width| formats.iter().map(move |format| spec(width, format)))
            .collect()
    }
}

fn format(text: &str) -> Result<ImageFormat, OptionError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "webp" => Ok(ImageFormat::Webp),
        "jpeg" | "jpg" => Ok(ImageFormat::Jpeg),
        "avif" => Ok(ImageFormat::Avif),
        "png" => Ok(ImageFormat::Png),
        _ => Err(OptionError(format!(
            "{text:?} is no format: webp, jpeg, avif, png"
        ))),
    }
}

fn truth(text: &str) -> Result<bool, OptionError> {
    match text.trim() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(OptionError(format!("{text:?} is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> ImagesOptions {
        ImagesOptions::from_json(text).unwrap()
    }

    fn names(options: &ImagesOptions) -> Vec<String> {
        options
            .resolve()
            .unwrap()
            .iter()
            .map(RenditionSpec::output_name)
            .collect()
    }

    #[test]
    fn without_options_there_are_the_default_renditions() {
        let expected = [
            "320.webp",
            "320.jpg",
            "1024.webp",
            "1024.jpg",
            "2048.webp",
            "2048.jpg",
        ];
        assert_eq!(names(&ImagesOptions::default()), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (text, path, reason) in [
            (
                r#"{"widths": [0]}"#,
                "widths[0]",
                "0 is no whole number from 1 to 16384",
            ),
            (r#"{"widths": []}"#, "widths", "1 to 12"),
            (r#"{"widths": [320, 320]}"#, "widths[1]", "named twice"),
            (r#"{"widths": [1.5]}"#, "widths[0]", "1.5 is no whole number"),
            (r#"{"formats": ["gif"]}"#, "formats[0]", "gif"),
            (r#"{"renditions": []}"#, "renditions", "1 to 24"),
            (r#"{"renditions": [[320]]}"#, "renditions[0]", "an object"),
            (
                r#"{"renditions": [{"widht": 1}]}"#,
                "renditions[0].widht",
                "unknown field",
            ),
            (
                r#"{"renditions": [{"fit": "cover", "width": 9}]}"#,
                "renditions[0].fit",
                "needs a width and a height",
            ),
            (
                r#"{"renditions": [{"focus": "attention"}]}"#,
                "renditions[0].focus",
                "cover",
            ),
            (
                r#"{"renditions": [{"focus": "left"}]}"#,
                "renditions[0].focus",
                "left",
            ),
            (
                r#"{"renditions": [{"focus": {"x": 2, "y": 0}}]}"#,
                "renditions[0].focus.x",
                "0 to 1",
            ),
            (
                r#"{"renditions": [{"format": "png", "quality": 3}]}"#,
                "renditions[0].quality",
                "lossless",
            ),
            (
                r#"{"renditions": [{"progressive": true}]}"#,
                "renditions[0].progressive",
                "jpeg",
            ),
            (
                r#"{"renditions": [{"quality": 1, "target_bytes": 1000}]}"#,
                "renditions[0].target_bytes",
                "quality",
            ),
            (
                r#"{"renditions": [{"name": "../x"}]}"#,
                "renditions[0].name",
                "no name",
            ),
            (
                r#"{"renditions": [{"name": "a"}, {"name": "a"}]}"#,
                "renditions[1].name",
                "a.webp",
            ),
            (
                r#"{"renditions": [{"background": "red"}]}"#,
                "renditions[0].background",
                "#rrggbb",
            ),
            (
                r#"{"renditions": [{"filters": {"blur": 0.1}}]}"#,
                "renditions[0].filters.blur",
                "0.3 to 100",
            ),
            (
                r#"{"renditions": [{"filters": {"rotate": 45}}]}"#,
                "renditions[0].filters.rotate",
                "90, 180 or 270",
            ),
            (r#"{"quality": 101}"#, "quality", "101"),
            (r#"{"qualty": 80}"#, "qualty", "unknown field"),
        ] {
            let error = ImagesOptions::from_json(text).unwrap_err().to_string();
            assert!(error.contains(path) && error.contains(reason), "{text}: {error}");
        }
        let both = options(r#"{"renditions": [{"width": 1}], "widths": [1]}"#);
        assert!(
            both.resolve()
                .unwrap_err()
                .to_string()
                .contains("widths: not beside renditions")
        );
    }

    #[test]
    fn options_are_what_they_were_written_as() {
        for text in [
            r"{}",
            r##"{"widths":[320,640],"formats":["avif","jpeg"],"quality":70,"background":"#00ff0080","gps":true}"##,
            r##"{"renditions":[{"name":"hero","width":1200,"height":630,"fit":"cover","focus":{"x":0.25,"y":0.5},"format":"jpeg","progressive":true,"quality":82,"filters":{"rotate":90,"blur":1.5,"tint":"#704214","watermark":{"png":"","position":"top-left","opacity":0.5}}}]}"##,
        ] {
            assert_eq!(serde_json::to_string(&options(text)).unwrap(), text);
        }
        assert_eq!(options(r#"{"widths": [320.0]}"#), options(r#"{"widths": [320]}"#));
    }

    #[test]
    fn options_stand_in_an_objects_metadata_too() {
        let read = ImagesOptions::from_metadata([
            ("x-amz-meta-longshore-widths", "320, 1024"),
            ("Longshore-Formats", "webp,jpg"),
            ("longshore-keep-copyright", "true"),
            ("author", "ann"),
        ])
        .unwrap();
        assert_eq!(
            read,
            options(r#"{"widths":[320,1024],"formats":["webp","jpeg"],"keep_copyright":true}"#)
        );
        let read =
            ImagesOptions::from_metadata([("longshore-renditions", r#"[{"width":9,"name":"a"}]"#)]).unwrap();
        assert_eq!(names(&read), ["a.webp"]);
        for (name, value, named) in [
            ("longshore-width", "3", "longshore-width: no option of that name"),
            ("longshore-widths", "3,x", "\"x\" is no whole number"),
            ("longshore-formats", "gif", "gif"),
            ("longshore-renditions", "[{\"widht\":9}]", "renditions[0].widht"),
        ] {
            let error = ImagesOptions::from_metadata([(name, value)])
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn the_first_to_say_which_renditions_there_are_says_it_alone() {
        let listed = options(r#"{"renditions":[{"width":9}],"quality":50}"#);
        let crossed = options(r#"{"widths":[5],"quality":60,"gps":true}"#);
        assert_eq!(names(&listed.clone().or(crossed.clone())), ["9.webp"]);
        let other = crossed.or(listed);
        assert_eq!(names(&other), ["5.webp", "5.jpg"]);
        let quality = |spec: &RenditionSpec| spec.quality.map(super::super::Whole::get);
        assert!(
            other
                .resolve()
                .unwrap()
                .iter()
                .all(|spec| quality(spec) == Some(60))
        );
    }
}
