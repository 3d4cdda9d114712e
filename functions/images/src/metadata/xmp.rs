//! XMP (ISO 16684-1): the few properties that are asked of it, where EXIF left them out.
//!
//! A packet is searched, not parsed: writers differ in how they nest, and what a rendition keeps does not rest on it.

use crate::decode::Facts;

/// The longest value that is kept, in bytes.
const MOST_VALUE_BYTES: usize = 4096;

/// Reads what is asked of XMP into the facts that are not known yet.
pub(crate) fn read(packet: &[u8], facts: &mut Facts) {
    let Ok(packet) = std::str::from_utf8(packet) else {
        return;
    };
    let exif = &mut facts.exif;
    let fill = |slot: &mut Option<String>, names: &[&str]| {
        if slot.is_none() {
            *slot = names.iter().find_map(|name| property(packet, name));
        }
    };
    fill(&mut exif.make, &["tiff:Make"]);
    fill(&mut exif.model, &["tiff:Model"]);
    fill(&mut exif.artist, &["dc:creator", "tiff:Artist"]);
    fill(&mut exif.copyright, &["dc:rights", "tiff:Copyright"]);
    fill(
        &mut exif.taken_at,
        &["exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"],
    );
    if exif.position.is_none() {
        let coordinate =
            |name: &str, most: f64| degrees(&property(packet, name)?).filter(|angle| angle.abs() <= most);
        let latitude = coordinate("exif:GPSLatitude", 90.0);
        exif.position = latitude.zip(coordinate("exif:GPSLongitude", 180.0));
    }
}

/// A property's value, written as an attribute or as an element, the first item of a list.
fn property(packet: &str, name: &str) -> Option<String> {
    packet.match_indices(name).find_map(|(at, _)| {
        let before = packet.get(..at)?.chars().next_back()?;
        let rest = packet.get(at + name.len()..)?;
        let value = if before == '<' {
            let (_, inside) = rest
                .split_once('>')
                .filter(|(attributes, _)| !attributes.ends_with('/'))?;
            let (inside, _) = inside.split_once(&format!("</{name}"))?;
            match inside.split_once("<rdf:li") {
                Some((_, item)) => item.split_once('>')?.1.split_once('<')?.0,
                None => inside,
            }
        } else if before.is_whitespace() {
            let quoted = rest.trim_start().strip_prefix('=')?.trim_start();
            let quote = quoted
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))?;
            quoted.get(1..)?.split_once(quote)?.0
        } else {
            return None;
        };
        let value = unescape(value.trim());
        (!value.is_empty() && value.len() <= MOST_VALUE_BYTES && !value.contains('<')).then_some(value)
    })
}

fn unescape(value: &str) -> String {
    let value = value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'");
    value
        .replace("&amp;", "&")
        .chars()
        .filter(|letter| !letter.is_control())
        .collect()
}

/// `48,51.5036N` or `48,51,30N`, in degrees.
fn degrees(value: &str) -> Option<f64> {
    let sign = match value.chars().next_back()? {
        'N' | 'E' => 1.0,
        'S' | 'W' => -1.0,
        _ => return None,
    };
    let parts = value.get(..value.len() - 1)?.split(',');
    let parts: Option<Vec<f64>> = parts.map(|part| part.trim().parse().ok()).collect();
    let angle = match *parts?.as_slice() {
        [degrees, minutes] => degrees + minutes / 60.0,
        [degrees, minutes, seconds] => degrees + minutes / 60.0 + seconds / 3600.0,
        _ => return None,
    };
    angle.is_finite().then_some(sign * angle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Format;

    #[test]
    fn reads_attributes_elements_and_lists() {
        let packet = r#"<rdf:Description tiff:Make="A &amp; B" exif:GPSLatitude='48,51.5N' exif:GPSLongitude="2,21,0W">
            <tiff:Model>X</tiff:Model><dc:rights/>
            <dc:creator><rdf:Seq><rdf:li xml:lang="x-default">One</rdf:li><rdf:li>Two</rdf:li></rdf:Seq></dc:creator>"#;
        let mut facts = Facts::new(Format::Jpeg, 1, 1);
        facts.exif.model = Some("known".to_owned());
        read(packet.as_bytes(), &mut facts);
        assert_eq!(facts.exif.make.as_deref(), Some("A & B"));
        assert_eq!(facts.exif.model.as_deref(), Some("known"));
        assert_eq!(facts.exif.artist.as_deref(), Some("One"));
        assert_eq!(facts.exif.copyright, None);
        let (latitude, longitude) = facts.exif.position.unwrap();
        assert!((latitude - 48.858_333).abs() < 1e-4 && (longitude + 2.35).abs() < 1e-4);
    }
}
