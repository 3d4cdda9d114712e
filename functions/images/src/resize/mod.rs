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
//! **In linear light.** Samples are averaged as light, not as their sRGB codes: a pattern of black and white pixels
//! becomes the grey (188) that an eye sees from afar, not 128. It costs a table's look-up a sample; what it saves is dark fringes
//! on fine, high-contrast detail, which there is in any photograph. Of a picture that comes as luma and chroma (`planes.rs`), luma
//! is; chroma, in which an eye sees no such detail, is averaged as it is stored.

mod ahead;
mod axis;
mod codes;
mod kernels;
mod lanes;
mod light;
mod planes;
mod rounding;
mod stream;
mod tree;

pub use axis::Region;
pub(crate) use codes::lanczos_codes;
pub(crate) use light::mean_of_light;
pub use planes::run_planes;
pub use stream::Resizer;
pub use tree::{Node, run};
