//! Files of results, and texts between markers in files that people write.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;

/// The markers of one program: what stands between them is the program's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Markers(pub(crate) &'static str);

const END: &str = "<!-- to here -->\n";

impl Markers {
    fn begin(self) -> String {
        format!("<!-- {} writes from here -->\n", self.0)
    }
}

/// The text with something new between its markers.
pub(crate) fn between(text: &str, markers: Markers, new: &str) -> Result<String> {
    let begin = markers.begin();
    let (before, rest) = text
        .split_once(&begin)
        .with_context(|| format!("there is no line {begin:?}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("there is no line {END:?} after {begin:?}"))?;
    Ok(format!("{before}{begin}\n{new}\n{END}{after}"))
}

/// Writes something new between the markers of a file.
pub(crate) fn write_between(path: &Path, markers: Markers, new: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = between(&text, markers, new).with_context(|| path.display().to_string())?;
    write(path, &text)
}

/// Writes figures, for programs.
pub(crate) fn write_json(path: &Path, figures: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(figures).context("cannot write the results")?;
    write(path, &(json + "\n"))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_text_stands_between_its_markers() {
        let markers = Markers("b");
        let begin = markers.begin();
        let text = format!("a\n<!-- a writes from here -->\n{END}{begin}old\n{END}b\n");
        let once = between(&text, markers, "| new |\n").unwrap();
        assert_eq!(
            once,
            format!("a\n<!-- a writes from here -->\n{END}{begin}\n| new |\n\n{END}b\n")
        );
        assert_eq!(between(&once, markers, "| new |\n").unwrap(), once);
        assert!(between("a\n", markers, "t").is_err());
        assert!(between(&format!("{END}{begin}"), markers, "t").is_err());
    }
}
