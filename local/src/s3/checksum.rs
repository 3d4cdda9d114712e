//! The checksums S3 knows besides the `ETag`: computed while bytes pass, verified, combined over parts.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// A checksum algorithm of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Over the whole object, or over the checksums of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    FullObject,
    Composite,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// A computed checksum, as S3 shows it: base64 of the big-endian value, `-N` behind a composite one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    pub(super) value: String,
    pub(super) kind: Kind,
}

impl Algorithm {
    pub(super) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// The name in `x-amz-checksum-algorithm` and in XML.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer that carries its value.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|a| a.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn from_header(header: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|a| a.header().eq_ignore_ascii_case(header.trim()))
    }

    /// One that S3 cannot work out by itself from what it has stored of the parts.
    pub(super) fn is_digest(self) -> bool {
        matches!(self, Self::Sha1 | Self::Sha256)
    }

    /// The size of the value in bytes, before base64.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// What a multipart upload gets when it names the algorithm and not the kind.
    pub(super) fn default_kind(self) -> Kind {
        match self {
            Self::Crc64Nvme => Kind::FullObject,
            _ => Kind::Composite,
        }
    }

    /// CRC-64/NVME has no composite form, the SHA family no combination of parts into a whole.
    pub(super) fn allows(self, kind: Kind) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c => true,
            Self::Crc64Nvme => kind == Kind::FullObject,
            Self::Sha1 | Self::Sha256 => kind == Kind::Composite,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn encode_crc(self, value: u64) -> String {
        let bytes = value.to_be_bytes();
        BASE64.encode(bytes.get(8 - self.length()..).unwrap_or(&bytes))
    }

    /// Whether `text` is base64 of a value of the right size.
    pub(super) fn is_well_formed(self, text: &str) -> bool {
        BASE64
            .decode(text)
            .is_ok_and(|bytes| bytes.len() == self.length())
    }
}

/// One running checksum.
pub(super) enum Hasher {
    Crc(Algorithm, crc_fast::Digest),
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (_, Some(crc)) => Self::Crc(algorithm, crc_fast::Digest::new(crc)),
            (Algorithm::Sha1, None) => Self::Sha1(sha1::Sha1::new()),
            (_, None) => Self::Sha256(sha2::Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, digest) => digest.update(bytes),
            Self::Sha1(digest) => digest.update(bytes),
            Self::Sha256(digest) => digest.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Checksum {
        let (algorithm, value) = match self {
            Self::Crc(algorithm, digest) => (algorithm, algorithm.encode_crc(digest.finalize())),
            Self::Sha1(digest) => (Algorithm::Sha1, BASE64.encode(digest.finalize())),
            Self::Sha256(digest) => (Algorithm::Sha256, BASE64.encode(digest.finalize())),
        };
        Checksum {
            algorithm,
            value,
            kind: Kind::FullObject,
        }
    }
}

/// The checksum of an object from those of its parts, in their order, with each part's size in bytes.
/// `None` when a part's value is not of `algorithm`, or the algorithm has no such kind.
pub(super) fn combine(algorithm: Algorithm, kind: Kind, parts: &[(&str, u64)]) -> Option<Checksum> {
    if !algorithm.allows(kind) {
        return None;
    }
    let mut decoded = Vec::with_capacity(parts.len());
    for (value, size_bytes) in parts {
        let bytes = BASE64
            .decode(value)
            .ok()
            .filter(|bytes| bytes.len() == algorithm.length())?;
        decoded.push((bytes, *size_bytes));
    }
    let value = match kind {
        Kind::Composite => {
            let mut hasher = Hasher::new(algorithm);
            for (bytes, _) in &decoded {
                hasher.update(bytes);
            }
            format!("{}-{}", hasher.finish().value, parts.len())
        }
        Kind::FullObject => {
            let crc = algorithm.crc()?;
            let mut parts = decoded.iter().map(|(bytes, size_bytes)| {
                (
                    bytes.iter().fold(0, |sum, b| (sum << 8) | u64::from(*b)),
                    *size_bytes,
                )
            });
            let first = parts.next()?.0;
            algorithm.encode_crc(parts.fold(first, |sum, (next, size_bytes)| {
                crc_fast::checksum_combine(crc, sum, next, size_bytes)
            }))
        }
    };
    Some(Checksum {
        algorithm,
        value,
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish().value
    }

    #[test]
    fn check_values_of_the_catalogues() {
        // The check values ("123456789") of the CRC catalogue, and the FIPS 180 digests of it.
        let cases = [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ];
        for (algorithm, expected) in cases {
            let value = of(algorithm, b"123456789");
            assert_eq!(value, expected, "{algorithm:?}");
            assert!(algorithm.is_well_formed(&value));
        }
    }

    #[test]
    fn parts_combine_to_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let (a, b) = (of(algorithm, b"1234"), of(algorithm, b"56789"));
            let whole = combine(algorithm, Kind::FullObject, &[(&a, 4), (&b, 5)]).unwrap();
            assert_eq!(whole.value, of(algorithm, b"123456789"));
        }
        assert!(combine(Algorithm::Sha1, Kind::FullObject, &[]).is_none());
    }

    #[test]
    fn a_composite_names_its_number_of_parts() {
        let a = of(Algorithm::Sha256, b"1234");
        let whole = combine(Algorithm::Sha256, Kind::Composite, &[(&a, 4), (&a, 4)]).unwrap();
        assert!(whole.value.ends_with("-2"));
    }
}
