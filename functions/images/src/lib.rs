//! Pictures to web-ready renditions: the pure core of the function `images`.
//!
//! A picture passes as rows: a decoder gives them one after another ([`decode`]), oriented and coloured as the file says, and
//! the renditions are made of them without the whole picture ever lying in memory where its format allows that. An animation
//! passes so frame by frame.
//!
//! | module | holds |
//! |---|---|
//! | [`picture`] | rows of samples, whole pictures, their shapes |
//! | [`decode`] | a file's bytes to rows in sRGB, and the facts it states; memory-safe decoders only |
//! | [`orient`] | the eight orientations of EXIF |
//! | [`decode_only`] | a decoded, oriented picture as a plain PNG |
//! | [`resize`] | rows to smaller pictures: Lanczos3 in linear light, streamed |
//! | [`mod@render`] | the plan of all renditions, and its run |
//! | `filters`, `compose` | what is done to a rendition before it is encoded |
//! | `encode` | pictures to JPEG, WebP, AVIF, PNG |
//! | `privacy` | the proof that a rendition tells nothing beside its pixels |
//! | [`digests`] | placeholders, fingerprints, colours |
//! | `lambda`, `on_request` | the functions: one unloads uploads, one renders on request |
//! | [`manifest`] | what `manifest.json` says |
//! | `metadata` | what EXIF and the like say beside the pixels |

mod compose;
pub mod decode;
pub mod decode_only;
pub mod digests;
mod encode;
mod filters;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod manifest;
mod metadata;
#[cfg(feature = "lambda")]
mod on_request;
pub mod orient;
pub mod picture;
mod privacy;
mod processor;
pub mod render;
pub mod resize;
mod transpose;
pub mod ycc;

pub use processor::{Images, Report};
pub use render::{Rendition, render, render_one};
