//! Numbers with bounds, as JSON writes them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error, de::Visitor};

/// A whole number from `LEAST` to `MOST`. JSON Schema counts `3.0` among the integers, so it is taken too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Whole<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Whole<LEAST, MOST> {
    /// A number, if it is within the bounds.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number >= LEAST && number <= MOST {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(super) fn parse(text: &str) -> Result<Self, super::OptionError> {
        text.trim()
            .parse()
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| super::OptionError(format!("{text:?} is no whole number from {LEAST} to {MOST}")))
    }
}

impl<const LEAST: u32, const MOST: u32> Serialize for Whole<LEAST, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const LEAST: u32, const MOST: u32>;

        impl<const LEAST: u32, const MOST: u32> Visitor<'_> for Number<LEAST, MOST> {
            type Value = Whole<LEAST, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from {LEAST} to {MOST}")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                let within = u32::try_from(number).ok().and_then(Whole::new);
                within.ok_or_else(|| E::custom(format!("{number} is no whole number from {LEAST} to {MOST}")))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                let whole = u64::try_from(number)
                    .map_err(|_| E::custom(format!("{number} is no whole number from {LEAST} to {MOST}")))?;
                self.visit_u64(whole)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "compared with what it was right after"
                )]
                let whole = number as i64;
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::float_cmp,
                    reason = "whole numbers are meant exactly"
                )]
                if whole as f64 == number && number.abs() < 1e15 {
                    return self.visit_i64(whole);
                }
                Err(E::custom(format!(
                    "{number} is no whole number from {LEAST} to {MOST}"
                )))
            }
        }

        deserializer.deserialize_any(Number)
    }
}

/// A decimal number, kept to a thousandth; the bounds are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal<const LEAST: u32, const MOST: u32>(u32);

impl<const LEAST: u32, const MOST: u32> Decimal<LEAST, MOST> {
    /// A number of thousandths, if it is within the bounds.
    #[must_use]
    pub const fn from_thousandths(thousandths: u32) -> Option<Self> {
        if thousandths >= LEAST && thousandths <= MOST {
            Some(Self(thousandths))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    fn of(number: f64) -> Option<Self> {
        let thousandths = (number * 1000.0).round();
        if !(f64::from(LEAST)..=f64::from(MOST)).contains(&thousandths) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the bounds, that are u32"
        )]
        Self::from_thousandths(thousandths as u32)
    }

    fn bounds() -> (f64, f64) {
        (f64::from(LEAST) / 1000.0, f64::from(MOST) / 1000.0)
    }
}

impl<const LEAST: u32, const MOST: u32> Serialize for Decimal<LEAST, MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.get())
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Decimal<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const LEAST: u32, const MOST: u32>;

        impl<const LEAST: u32, const MOST: u32> Visitor<'_> for Number<LEAST, MOST> {
            type Value = Decimal<LEAST, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (least, most) = Self::Value::bounds();
                write!(f, "a number from {least} to {most}")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                let (least, most) = Self::Value::bounds();
                Decimal::of(number)
                    .ok_or_else(|| E::custom(format!("{number} is no number from {least} to {most}")))
            }

            #[expect(clippy::cast_precision_loss, reason = "what is lost is far out of bounds")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                self.visit_f64(number as f64)
            }

            #[expect(clippy::cast_precision_loss, reason = "what is lost is far out of bounds")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                self.visit_f64(number as f64)
            }
        }

        deserializer.deserialize_any(Number)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Decimal, Whole};

    impl<const LEAST: u32, const MOST: u32> JsonSchema for Whole<LEAST, MOST> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("Whole_{LEAST}_to_{MOST}").into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "integer", "minimum": LEAST, "maximum": MOST})
        }
    }

    impl<const LEAST: u32, const MOST: u32> JsonSchema for Decimal<LEAST, MOST> {
        fn inline_schema() -> bool {
            true
        }

        fn schema_name() -> Cow<'static, str> {
            format!("Decimal_{LEAST}_to_{MOST}_thousandths").into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let (least, most) = Self::bounds();
            json_schema!({"type": "number", "minimum": least, "maximum": most})
        }
    }
}
