//! In which order and with which separator a column's days are spelled: known once one day says what the others leave open.

use super::{
    super::time::{DateForm, Order, Parts},
    One,
};

const YMD: u8 = 1;
const DMY: u8 = 2;
const MDY: u8 = 4;

/// How the days of a column are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    /// The orders in which every day so far was one.
    orders: u8,
    separator: One<u8>,
    /// A month or a day of one digit was met, and one with a zero in front.
    single: bool,
    zero: bool,
}

impl Default for Days {
    fn default() -> Self {
        Self {
            orders: YMD | DMY | MDY,
            separator: One::None,
            single: false,
            zero: false,
        }
    }
}

impl Days {
    /// Takes note of a day; whether it is one in any order.
    pub(super) fn add(&mut self, parts: &Parts) -> bool {
        let mut orders = 0;
        for (bit, order) in [(YMD, Order::Ymd), (DMY, Order::Dmy), (MDY, Order::Mdy)] {
            orders |= if parts.day(order).is_some() { bit } else { 0 };
        }
        if orders == 0 {
            return false;
        }
        let (single, zero) = parts.padding();
        *self = self.merge(Self {
            orders,
            separator: One::Just(parts.separator),
            single,
            zero,
        });
        true
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            orders: self.orders & other.orders,
            separator: self.separator.merge(other.separator),
            single: self.single || other.single,
            zero: self.zero || other.zero,
        }
    }

    /// Whether another day in ISO 8601 would change nothing but, perhaps, that a zero stands in front of one.
    #[inline]
    pub(super) fn is_iso(self) -> bool {
        self.orders == YMD && self.separator == One::Just(b'-') && self.zero && !self.single
    }

    /// Whether all days are spelled as in ISO 8601; then that is all there is to know of them.
    pub(super) fn say_iso(&mut self) -> bool {
        self.zero |= self.orders == YMD && self.separator == One::Just(b'-') && !self.single;
        self.is_iso()
    }

    /// The one form of all days.
    pub(super) fn form(self) -> Option<DateForm> {
        let separator = self.separator.get()?;
        let order = match self.orders {
            YMD => Order::Ymd,
            // Nobody writes a month first before points.
            DMY => Order::Dmy,
            MDY => Order::Mdy,
            orders if orders & DMY != 0 && separator == b'.' => Order::Dmy,
            _ => return None,
        };
        if self.single && self.zero {
            return None;
        }
        Some(DateForm {
            order,
            separator,
            padded: !self.single,
        })
    }
}
