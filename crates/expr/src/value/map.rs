//! Maps in the order they were written.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;

/// A map with text keys that keeps the order of insertion. Cloning copies a pointer.
#[derive(Clone, Debug, Default)]
pub struct Map(Arc<IndexMap<Arc<str>, Value>>);

/// Up to this many entries, comparing keys one by one is faster than hashing.
const SHORT: usize = 8;

impl Map {
    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        if self.0.len() <= SHORT {
            return self.0.iter().find(|(known, _)| &***known == key).map(|(_, value)| value);
        }
        self.0.get(key)
    }

    /// Entries in insertion order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.0.iter()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A key given twice keeps its first place and its last value.
impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self(Arc::new(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_first_insertion_for_short_and_long_maps() {
        for count in [3, 100] {
            let keys: Vec<String> = (0..count).map(|n| format!("k{}", count - n)).collect();
            let mut entries: Vec<(String, Value)> =
                keys.iter().map(|key| (key.clone(), Value::Null)).collect();
            entries.push((keys[1].clone(), Value::Bool(true)));
            let map: Map = entries.into_iter().collect();
            let got: Vec<&str> = map.iter().map(|(key, _)| &**key).collect();
            assert_eq!(got, keys);
            assert!(matches!(map.get(&keys[1]), Some(Value::Bool(true))));
            assert!(map.get("nope").is_none());
        }
    }
}
