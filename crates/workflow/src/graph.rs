//! Levels of a dependency graph.

use crate::collate::SortKey;

/// A job or step as the planner sees it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its name, for the order inside a level and for naming cycles.
    pub(crate) name: String,
    /// Small comes first.
    pub(crate) weight: f64,
    /// The nodes it waits for.
    pub(crate) after: Vec<usize>,
}

/// Nodes that wait for each other: the names along the way, the first one again at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) Vec<String>);

/// The level of every node: 0 without dependencies, else one more than the highest level among
/// them. Time and space are linear in nodes and edges.
pub(crate) fn levels_of(nodes: &[Node]) -> Result<Vec<usize>, Cycle> {
    let mut waiting: Vec<usize> = nodes.iter().map(|node| node.after.len()).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for &on in &node.after {
            dependents[on].push(index);
        }
    }
    let mut levels = vec![0; nodes.len()];
    let mut ready: Vec<usize> = (0..nodes.len()).filter(|&index| waiting[index] == 0).collect();
    let mut placed = 0;
    while let Some(index) = ready.pop() {
        placed += 1;
        for &dependent in &dependents[index] {
            levels[dependent] = levels[dependent].max(levels[index] + 1);
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                ready.push(dependent);
            }
        }
    }
    if placed == nodes.len() { Ok(levels) } else { Err(first_cycle(nodes, &waiting)) }
}

/// Groups things by level; inside a level, by weight, then by name.
pub(crate) fn arrange(things: impl IntoIterator<Item = Placed>) -> Vec<Vec<usize>> {
    let mut things: Vec<(Placed, SortKey)> = things
        .into_iter()
        .map(|placed| {
            let key = SortKey::new(&placed.name);
            (placed, key)
        })
        .collect();
    things.sort_by(|(left, left_key), (right, right_key)| {
        (left.level.cmp(&right.level))
            // Adding zero makes minus zero zero.
            .then((left.weight + 0.0).total_cmp(&(right.weight + 0.0)))
            .then_with(|| left_key.cmp(right_key))
            .then(left.index.cmp(&right.index))
    });
    let mut levels: Vec<Vec<usize>> = Vec::new();
    let mut current = None;
    for (placed, _) in things {
        if current != Some(placed.level) {
            current = Some(placed.level);
            levels.push(Vec::new());
        }
        if let Some(level) = levels.last_mut() {
            level.push(placed.index);
        }
    }
    levels
}

/// A thing whose level is known.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// What [`arrange`] gives back.
    pub(crate) index: usize,
    pub(crate) level: usize,
    pub(crate) weight: f64,
    pub(crate) name: String,
}

/// Walks dependencies, in the order they are written, from the first node that cannot be placed
/// until a node comes up again; begins the cycle at the node of it that was written first.
fn first_cycle(nodes: &[Node], waiting: &[usize]) -> Cycle {
    let stuck = |index: usize| waiting[index] > 0;
    let mut walk: Vec<usize> = Vec::new();
    let mut place = vec![None; nodes.len()];
    let mut next = (0..nodes.len()).find(|&index| stuck(index));
    while let Some(index) = next {
        if let Some(start) = place[index] {
            let mut cycle = walk.split_off(start);
            let first = cycle.iter().enumerate().min_by_key(|(_, index)| **index);
            let turn = first.map_or(0, |(turn, _)| turn);
            cycle.rotate_left(turn);
            cycle.extend(cycle.first().copied());
            return Cycle(cycle.into_iter().map(|index| nodes[index].name.clone()).collect());
        }
        place[index] = Some(walk.len());
        walk.push(index);
        // A node that is stuck waits for a node that is stuck.
        next = nodes[index].after.iter().copied().find(|&on| stuck(on));
    }
    Cycle(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(edges: &[(&str, &[&str])]) -> Vec<Node> {
        let place = |name: &str| edges.iter().position(|(other, _)| *other == name).unwrap();
        edges
            .iter()
            .map(|(name, after)| Node {
                name: (*name).to_owned(),
                weight: 0.0,
                after: after.iter().map(|on| place(on)).collect(),
            })
            .collect()
    }

    fn cycle(edges: &[(&str, &[&str])]) -> String {
        levels_of(&graph(edges)).unwrap_err().0.join(" -> ")
    }

    #[test]
    fn cycles_are_named_in_full_from_the_node_written_first() {
        assert_eq!(cycle(&[("a", &["c"]), ("b", &["a"]), ("c", &["b"])]), "a -> c -> b -> a");
        assert_eq!(cycle(&[("s", &["s"])]), "s -> s");
        assert_eq!(
            cycle(&[("start", &["q"]), ("p", &["q"]), ("q", &["r"]), ("r", &["p"])]),
            "p -> q -> r -> p"
        );
        assert_eq!(cycle(&[("ok", &[]), ("x", &["ok", "y"]), ("y", &["x"])]), "x -> y -> x");
    }

    #[test]
    fn levels_follow_the_longest_way() {
        let nodes =
            graph(&[("d", &["a", "c"]), ("a", &[]), ("b", &["a"]), ("c", &["b"]), ("e", &[])]);
        assert_eq!(levels_of(&nodes), Ok(vec![3, 0, 1, 2, 0]));
    }

    #[test]
    fn weight_comes_before_name() {
        let placed = |index, level, weight, name: &str| Placed {
            index,
            level,
            weight,
            name: name.to_owned(),
        };
        let levels = arrange([
            placed(0, 1, 0.0, "z"),
            placed(1, 0, 5.0, "a"),
            placed(2, 0, 0.0, "b"),
            placed(3, 0, 0.0, "B"),
            placed(4, 0, -1.5, "y"),
            placed(5, 3, 0.0, "last"),
        ]);
        assert_eq!(levels, [vec![4, 2, 3, 1], vec![0], vec![5]]);
    }

    proptest! {
        #[test]
        fn every_node_is_one_level_after_its_last_dependency(
            edges in proptest::collection::vec((0_usize..20, 0_usize..20), 0..60)
        ) {
            let mut nodes: Vec<Node> = (0..20)
                .map(|index| Node { name: index.to_string(), weight: 0.0, after: vec![] })
                .collect();
            for (from, to) in edges {
                nodes[from].after.push(to);
            }
            match levels_of(&nodes) {
                Ok(levels) => for (index, node) in nodes.iter().enumerate() {
                    let want = node.after.iter().map(|&on| levels[on] + 1).max().unwrap_or(0);
                    prop_assert_eq!(levels[index], want);
                },
                Err(Cycle(names)) => {
                    prop_assert!(names.len() >= 2);
                    prop_assert_eq!(names.first(), names.last());
                    for pair in names.windows(2) {
                        let (from, to): (usize, usize) =
                            (pair[0].parse().unwrap(), pair[1].parse().unwrap());
                        prop_assert!(nodes[from].after.contains(&to), "{names:?}");
                    }
                }
            }
        }
    }
}
