//! Amounts as a rule writes them: fixed, or a share of something.

/// Ten thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// The whole.
    pub const WHOLE: Self = Self(10_000);
}

/// An amount that a step asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Amount {
    /// Minor units.
    Fixed(i64),
    /// Of the credit that fired.
    OfIncome(BasisPoints),
}

/// A cap of a step or of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cap {
    /// Minor units.
    Amount(i64),
    /// Of what the step began with.
    Share(BasisPoints),
}
