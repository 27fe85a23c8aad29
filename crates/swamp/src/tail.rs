//! The end of a log.

/// The last `count` lines; all of them for 0.
pub(crate) fn last<T>(mut lines: Vec<T>, count: usize) -> Vec<T> {
    if count > 0 && lines.len() > count {
        lines.drain(..lines.len() - count);
    }
    lines
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_asked_for_is_everything() {
        assert_eq!(super::last(vec![1, 2, 3], 0), [1, 2, 3]);
        assert_eq!(super::last(vec![1, 2, 3], 2), [2, 3]);
        assert_eq!(super::last(vec![1], 2), [1]);
    }
}
