//! Pictures to web-ready renditions: the pure core of the function `images`.
//!
//! A picture passes as rows: a decoder gives them one after another ([`decode`]), oriented and coloured as the file says, and
//! the renditions are made of them without the whole picture ever lying in memory where its format allows that.
//!
//! | module | holds |
//! |---|---|
//! | [`picture`] | rows of samples, whole pictures, their shapes |
//! | [`decode`] | a file's bytes to rows in sRGB, and the facts it states; memory-safe decoders only |
//! | [`orient`] | the eight orientations of EXIF |
//! | [`decode_only`] | a decoded, oriented picture as a plain PNG |
//! | `metadata` | what EXIF and the like say beside the pixels |

pub mod decode;
pub mod decode_only;
mod metadata;
pub mod orient;
pub mod picture;
