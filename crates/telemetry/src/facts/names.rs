//! Names as numbers, so that keys made of many names are small and quick to compare.

use std::collections::HashMap;
use std::sync::Arc;

/// Longest name that is told apart, in bytes; the rest of a longer one is cut off.
const LONGEST: usize = 256;

/// Stands for what was cut off.
const ELLIPSIS: &str = "…";

/// A name in a [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NameId(u32);

impl NameId {
    /// There is none.
    pub(crate) const ABSENT: Self = Self(0);
    /// Any of too many.
    pub(crate) const OTHER: Self = Self(1);
    /// The status `success`.
    pub(crate) const SUCCESS: Self = Self(2);
    /// The status `user_error`.
    pub(crate) const USER_ERROR: Self = Self(3);
    /// The status `error`.
    const ERROR: Self = Self(4);

    /// Whether this is one of the statuses we write.
    pub(crate) const fn is_status(self) -> bool {
        matches!(self, Self::SUCCESS | Self::USER_ERROR | Self::ERROR)
    }
}

/// All names seen so far.
#[derive(Debug)]
pub(crate) struct Names {
    ids: HashMap<Arc<str>, NameId>,
    names: Vec<Arc<str>>,
}

impl Names {
    /// What [`NameId::OTHER`] is called.
    pub(crate) const OTHER: &'static str = "__other__";

    /// The number of a name.
    pub(crate) fn id(&mut self, name: &str) -> NameId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        if name.len() > LONGEST {
            let end = name.floor_char_boundary(LONGEST - ELLIPSIS.len());
            return self.id(&format!("{}{ELLIPSIS}", &name[..end]));
        }
        // More than four milliard different names do not fit in memory anyway.
        let id = NameId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    /// The number of a name that may not be there.
    pub(crate) fn maybe(&mut self, name: Option<&str>) -> NameId {
        name.map_or(NameId::ABSENT, |name| self.id(name))
    }

    /// The name of a number.
    pub(crate) fn get(&self, id: NameId) -> Option<&Arc<str>> {
        if id == NameId::ABSENT { None } else { self.names.get(id.0 as usize) }
    }
}

impl Default for Names {
    fn default() -> Self {
        // The place of "absent" is taken by a text that is looked up for nobody.
        let mut names = Self { ids: HashMap::new(), names: vec!["".into()] };
        for name in [Self::OTHER, "success", "user_error", "error"] {
            names.id(name);
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_the_same_number() {
        let mut names = Names::default();
        assert_eq!(names.id("success"), NameId::SUCCESS);
        assert_eq!(names.id("error"), NameId::ERROR);
        assert_eq!(names.maybe(None), NameId::ABSENT);
        assert_eq!(names.get(NameId::ABSENT), None);
        let (a, empty) = (names.id("a"), names.id(""));
        assert!(a != empty && names.id("a") == a && empty != NameId::ABSENT);
        assert_eq!(names.get(empty).map(|name| &**name), Some(""));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let mut names = Names::default();
        let long = "ä".repeat(4000);
        let id = names.id(&long);
        let cut = names.get(id).unwrap();
        assert!(cut.len() <= LONGEST && cut.ends_with("ä…"), "{cut}");
        assert_eq!(names.id(&format!("{long} and more")), id);
    }
}
