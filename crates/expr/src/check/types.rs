//! Static types: what is known of a value before anything is evaluated.

/// A type. Element types of lists and maps live in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    /// Known only at evaluation.
    Dyn,
    Null,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Timestamp,
    Duration,
    Type,
    /// `[]`, which fits any list.
    EmptyList,
    /// `{}`, which fits any map.
    EmptyMap,
    /// A list; its element type by number.
    List(u32),
    /// A map; its key and value types by number.
    Map(u32),
}

/// The element types of one expression's lists and maps; equal ones have equal numbers.
#[derive(Debug, Default)]
pub(crate) struct Types {
    lists: Vec<Ty>,
    maps: Vec<(Ty, Ty)>,
}

fn intern<T: PartialEq>(known: &mut Vec<T>, new: T) -> u32 {
    let at = known.iter().position(|old| *old == new).unwrap_or_else(|| {
        known.push(new);
        known.len() - 1
    });
    // One entry per node at most, and nodes are numbered with u32.
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Types {
    pub(crate) fn list(&mut self, element: Ty) -> Ty {
        Ty::List(intern(&mut self.lists, element))
    }

    pub(crate) fn map(&mut self, key: Ty, value: Ty) -> Ty {
        Ty::Map(intern(&mut self.maps, (key, value)))
    }

    /// The element type of a list, the key type of a map.
    pub(crate) fn iterated(&self, ty: Ty) -> Option<Ty> {
        match ty {
            Ty::List(at) => Some(self.lists[at as usize]),
            Ty::Map(at) => Some(self.maps[at as usize].0),
            Ty::EmptyList | Ty::EmptyMap | Ty::Dyn => Some(Ty::Dyn),
            _ => None,
        }
    }

    /// The type of an element of a list or a value of a map.
    pub(crate) fn element(&self, ty: Ty) -> Ty {
        match ty {
            Ty::List(at) => self.lists[at as usize],
            Ty::Map(at) => self.maps[at as usize].1,
            _ => Ty::Dyn,
        }
    }

    /// Whether values of the two types can be compared, that is whether some value may have both.
    pub(crate) fn overlap(&self, a: Ty, b: Ty) -> bool {
        match (a, b) {
            (Ty::Dyn, _) | (_, Ty::Dyn) => true,
            (Ty::EmptyList, list) | (list, Ty::EmptyList) => list.is_list(),
            (Ty::EmptyMap, map) | (map, Ty::EmptyMap) => map.is_map(),
            (Ty::List(a), Ty::List(b)) => {
                self.overlap(self.lists[a as usize], self.lists[b as usize])
            }
            (Ty::Map(a), Ty::Map(b)) => {
                let ((ka, va), (kb, vb)) = (self.maps[a as usize], self.maps[b as usize]);
                self.overlap(ka, kb) && self.overlap(va, vb)
            }
            _ => a == b,
        }
    }

    /// The type of a value that has one of two overlapping types.
    pub(crate) fn either(&mut self, a: Ty, b: Ty) -> Ty {
        match (a, b) {
            _ if a == b => a,
            (Ty::EmptyList, Ty::List(_)) | (Ty::EmptyMap, Ty::Map(_)) => b,
            (Ty::List(_), Ty::EmptyList) | (Ty::Map(_), Ty::EmptyMap) => a,
            (Ty::List(a), Ty::List(b)) => {
                let element = self.either(self.lists[a as usize], self.lists[b as usize]);
                self.list(element)
            }
            (Ty::Map(a), Ty::Map(b)) => {
                let ((ka, va), (kb, vb)) = (self.maps[a as usize], self.maps[b as usize]);
                let key = self.either(ka, kb);
                let value = self.either(va, vb);
                self.map(key, value)
            }
            _ => Ty::Dyn,
        }
    }

    /// The common type of the elements of a literal: the same type, where an empty literal goes with
    /// everything. `None` when they differ.
    pub(crate) fn same(a: Ty, b: Ty) -> Option<Ty> {
        match (a, b) {
            _ if a == b => Some(a),
            (Ty::EmptyList | Ty::EmptyMap, other) | (other, Ty::EmptyList | Ty::EmptyMap) => {
                Some(other)
            }
            _ => None,
        }
    }

    /// As messages write it: `list<int>`, `map<string, dyn>`.
    pub(crate) fn name(&self, ty: Ty) -> String {
        match ty {
            Ty::List(at) => format!("list<{}>", self.name(self.lists[at as usize])),
            Ty::Map(at) => {
                let (key, value) = self.maps[at as usize];
                format!("map<{}, {}>", self.name(key), self.name(value))
            }
            Ty::EmptyList => "list<dyn>".to_owned(),
            Ty::EmptyMap => "map<dyn, dyn>".to_owned(),
            other => other.bare_name().to_owned(),
        }
    }
}

impl Ty {
    /// Without element types, as messages write receivers.
    pub(crate) const fn bare_name(self) -> &'static str {
        match self {
            Self::Dyn => "dyn",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::UInt => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::Duration => "google.protobuf.Duration",
            Self::Type => "type",
            Self::EmptyList | Self::List(_) => "list",
            Self::EmptyMap | Self::Map(_) => "map",
        }
    }

    pub(crate) const fn is_list(self) -> bool {
        matches!(self, Self::EmptyList | Self::List(_))
    }

    pub(crate) const fn is_map(self) -> bool {
        matches!(self, Self::EmptyMap | Self::Map(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_literals_fit_everything_of_their_shape() {
        let mut types = Types::default();
        let ints = types.list(Ty::Int);
        let texts = types.list(Ty::Text);
        let dyns = types.list(Ty::Dyn);
        assert!(types.overlap(Ty::EmptyList, ints));
        assert!(types.overlap(dyns, ints));
        assert!(!types.overlap(texts, ints));
        assert!(!types.overlap(Ty::EmptyMap, ints));
        assert_eq!(Types::same(Ty::EmptyList, ints), Some(ints));
        assert_eq!(Types::same(Ty::Dyn, Ty::EmptyMap), Some(Ty::Dyn));
        assert_eq!(Types::same(dyns, ints), None);
        assert_eq!(types.either(dyns, ints), dyns);
        assert_eq!(types.either(Ty::Dyn, Ty::Int), Ty::Dyn);
    }

    #[test]
    fn names_show_elements() {
        let mut types = Types::default();
        let ints = types.list(Ty::Int);
        let map = types.map(Ty::Text, ints);
        assert_eq!(types.name(map), "map<string, list<int>>");
        assert_eq!(map.bare_name(), "map");
        assert_eq!(types.name(Ty::EmptyMap), "map<dyn, dyn>");
    }
}
