//! What a file says of its picture beside the pixels.

pub(crate) mod exif;
pub(crate) mod iptc;
pub(crate) mod xmp;
