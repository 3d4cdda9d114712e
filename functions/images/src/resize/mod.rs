//! Rows to fewer, smaller rows: Lanczos3 in linear light, streamed.
//!
//! A picture is reduced while it is decoded: rows go in from the top down, and a reduced row comes out as soon as the rows
//! under it are there. What is held is a window of rows, never a picture.
//!
//! ```text
//! row ─► light (linear, premultiplied) ─► box, if more than sixfold ─► down ─► across ─► sRGB, 8 bits
//!                                                                                 └──► the next smaller one
//! ```
//!
//! **Always in linear light.** Samples are averaged as light, not as their sRGB codes: a pattern of black and white pixels
//! becomes the grey (188) that an eye sees from afar, not 128. It costs a table's look-up a sample; what it saves is dark fringes
//! on fine, high-contrast detail, which there is in any photograph.

mod axis;
mod codes;
mod kernels;
mod light;
mod stream;
mod tree;

pub use axis::Region;
pub(crate) use codes::lanczos_codes;
pub use stream::Resizer;
pub use tree::{Node, run};
