//! Pictures to web-ready renditions: the pure core of the function `images`.
//!
//! A picture passes as rows: a decoder gives them one after another ([`decode`]), oriented and coloured as the file says, and
//! the renditions are made of them without the whole picture ever lying in memory where its format allows that.
//!
//! | module | holds |
//! |---|---|
//! | [`picture`] | rows of samples, whole pictures, their shapes |
//! | [`decode`] | a file's bytes to rows in sRGB, and the facts it states; memory-safe decoders only |

pub mod decode;
pub mod picture;
