//! Which operand types the operators take, and what they give.

use super::Dialect;
use super::types::{Ty, Types};
use crate::syntax::tree::Binary;

/// `(left, right, result)` of one way to use an operator.
type Overload = (Ty, Ty, Ty);

const ADD: &[Overload] = &[
    (Ty::Int, Ty::Int, Ty::Int),
    (Ty::Double, Ty::Double, Ty::Double),
    (Ty::UInt, Ty::UInt, Ty::UInt),
    (Ty::Text, Ty::Text, Ty::Text),
    (Ty::Bytes, Ty::Bytes, Ty::Bytes),
    (Ty::Duration, Ty::Duration, Ty::Duration),
    (Ty::Timestamp, Ty::Duration, Ty::Timestamp),
    (Ty::Duration, Ty::Timestamp, Ty::Timestamp),
];
const SUBTRACT: &[Overload] = &[
    (Ty::Int, Ty::Int, Ty::Int),
    (Ty::Double, Ty::Double, Ty::Double),
    (Ty::UInt, Ty::UInt, Ty::UInt),
    (Ty::Duration, Ty::Duration, Ty::Duration),
    (Ty::Timestamp, Ty::Duration, Ty::Timestamp),
    (Ty::Timestamp, Ty::Timestamp, Ty::Duration),
];
const SCALE: &[Overload] = &[
    (Ty::Int, Ty::Int, Ty::Int),
    (Ty::Double, Ty::Double, Ty::Double),
    (Ty::UInt, Ty::UInt, Ty::UInt),
];
const REMAINDER: &[Overload] = &[(Ty::Int, Ty::Int, Ty::Int), (Ty::UInt, Ty::UInt, Ty::UInt)];
/// Added to all four in definitions and workflows, not in queries.
const MIXED: &[Overload] = &[(Ty::Int, Ty::Double, Ty::Double), (Ty::Double, Ty::Int, Ty::Double)];

fn fits(wanted: Ty, got: Ty) -> bool {
    got == Ty::Dyn || got == wanted
}

/// The result of an arithmetic operator, `None` when no overload fits.
pub(super) fn arithmetic(
    types: &mut Types,
    dialect: Dialect,
    operator: Binary,
    left: Ty,
    right: Ty,
) -> Option<Ty> {
    if left == Ty::Dyn && right == Ty::Dyn {
        return Some(Ty::Dyn);
    }
    if left.is_list() || right.is_list() {
        let lists = |ty: Ty| ty.is_list() || ty == Ty::Dyn;
        if operator != Binary::Add || !lists(left) || !lists(right) || !types.overlap(left, right) {
            return None;
        }
        return Some(if left == Ty::Dyn || right == Ty::Dyn {
            types.list(Ty::Dyn)
        } else {
            types.either(left, right)
        });
    }
    let own = match operator {
        Binary::Add => ADD,
        Binary::Subtract => SUBTRACT,
        Binary::Remainder => REMAINDER,
        _ => SCALE,
    };
    let mixed = if dialect.mixes_numbers() { MIXED } else { &[] };
    let mut fitting = own.iter().chain(mixed).filter(|(l, r, _)| fits(*l, left) && fits(*r, right));
    let (_, _, result) = fitting.next()?;
    Some(if fitting.next().is_some() { Ty::Dyn } else { *result })
}

/// Whether `<` and its relatives take these types.
pub(super) const fn ordered(left: Ty, right: Ty) -> bool {
    const fn rank(ty: Ty) -> u8 {
        match ty {
            Ty::Dyn => 1,
            Ty::Int | Ty::UInt | Ty::Double => 2,
            Ty::Bool => 3,
            Ty::Text => 4,
            Ty::Timestamp => 5,
            Ty::Duration => 6,
            _ => 0,
        }
    }
    let (left, right) = (rank(left), rank(right));
    left != 0 && right != 0 && (left == right || left == 1 || right == 1)
}
