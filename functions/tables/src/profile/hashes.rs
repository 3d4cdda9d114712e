//! How many hashes are different: of rows, and of lists.

use super::{few::Few, precision::Precision, registers::Registers, report::Distinct};

/// How many hashes are different.
#[derive(Debug, Clone)]
pub(crate) struct Hashes {
    precision: Precision,
    few: Option<Few<()>>,
    many: Option<Registers>,
}

impl Hashes {
    pub(crate) fn new(precision: Precision) -> Self {
        Self {
            precision,
            few: Some(Few::new(precision.exact)),
            many: None,
        }
    }

    pub(crate) fn add_all(&mut self, hashes: &[u64]) {
        let mut rest = hashes;
        if let Some(few) = &mut self.few {
            let taken = hashes
                .iter()
                .take_while(|hash| few.add_value(**hash, 1, || ()))
                .count();
            rest = hashes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                return;
            }
            self.become_many();
        }
        if let Some(many) = &mut self.many {
            many.add_all(rest);
        }
    }

    fn become_many(&mut self) {
        if let Some(few) = self.few.take() {
            let mut many = Registers::new(self.precision.register_bits);
            for ((), hash, _) in few.iter() {
                many.add_all(&[hash]);
            }
            self.many = Some(many);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        match (&other.few, &other.many) {
            (Some(few), _) => few.iter().for_each(|((), hash, _)| self.add_all(&[hash])),
            (None, Some(theirs)) => {
                self.become_many();
                if let Some(many) = &mut self.many {
                    many.merge(theirs);
                }
            }
            (None, None) => {}
        }
    }

    pub(crate) fn count(&self) -> Distinct {
        match (&self.few, &self.many) {
            (Some(few), _) => Distinct::exact(few.len()),
            (None, many) => Distinct::estimated(many.as_ref().map_or(0, Registers::estimate)),
        }
    }
}
