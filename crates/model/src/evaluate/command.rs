//! `model evaluate`: evaluated copies without a run.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use swamp_expr::{
    Context, ModelSource, References, SourceError, Value as ExprValue, for_each_template,
};
use swamp_store::{Definition, StoreError};

use super::{Evaluated, Mode};
use crate::engine::{Engine, EvaluatedCopy};
use crate::sources::RepositorySource;

/// Evaluates one definition.
pub(crate) fn one(engine: &Engine, name_or_id: &str) -> Result<EvaluatedCopy, StoreError> {
    let definition = engine.definitions().find(name_or_id)?;
    evaluate(engine, &definition, &engine.sealed_context())
}

/// Evaluates all definitions, each after those it refers to.
pub(crate) fn all(engine: &Engine) -> Result<Vec<EvaluatedCopy>, StoreError> {
    let definitions = engine.definitions().scan()?.found;
    let order = order(&definitions).map_err(|cycle| {
        StoreError::Usage(format!("Cyclic dependency detected: {}", cycle.join(" -> ")))
    })?;
    let progress = Progress { source: engine.source(), done: RefCell::default() };
    let context = engine.sealed_context().with_models(&progress);
    let mut copies = Vec::with_capacity(order.len());
    for index in order {
        let definition = &definitions[index];
        let copy = evaluate(engine, definition, &context)?;
        progress
            .done
            .borrow_mut()
            .insert(definition.id.to_string(), (definition.clone(), copy.definition.clone()));
        copies.push(copy);
    }
    Ok(copies)
}

fn evaluate(
    engine: &Engine,
    definition: &Definition,
    context: &Context<'_>,
) -> Result<EvaluatedCopy, StoreError> {
    let evaluated = Evaluated::new(definition, context, None, Mode::Copy, None);
    let mut copy = evaluated.copied_definition(definition);
    if let Ok(model_type) = engine.parts().types.get(&definition.type_name) {
        copy.type_version = Some(model_type.version.clone());
    }
    let path = engine.definitions().save_evaluated(&copy)?;
    Ok(EvaluatedCopy { definition: copy, had_expressions: evaluated.had_expressions, path })
}

/// The definitions, of which some are evaluated already.
struct Progress<'a> {
    source: &'a RepositorySource,
    /// As written and as evaluated, by id.
    done: RefCell<HashMap<String, (Definition, Definition)>>,
}

impl ModelSource for Progress<'_> {
    fn model(&self, name_or_id: &str) -> Result<Option<ExprValue>, SourceError> {
        let done = self.done.borrow();
        let by_name = || done.values().find(|(written, _)| written.name == *name_or_id);
        match done.get(name_or_id).or_else(by_name) {
            Some((written, evaluated)) => {
                Ok(Some(self.source.model_value(written.clone(), Some(evaluated.clone()))))
            }
            None => self.source.model(name_or_id),
        }
    }

    fn keys(&self) -> Result<Vec<String>, SourceError> {
        self.source.keys()
    }
}

/// What all expressions of a definition refer to.
fn references(definition: &Definition) -> References {
    let mut references = References::default();
    for_each_template(&definition.to_value(), &mut |_, template| {
        if let Ok(template) = template {
            references.merge(&template.references());
        }
    });
    references
}

/// Positions of definitions, each after those it refers to; or the names of a cycle, the smallest
/// first and again last. A definition may refer to itself: to data of its earlier runs.
fn order(definitions: &[Definition]) -> Result<Vec<usize>, Vec<String>> {
    let mut by_key = HashMap::new();
    for (index, definition) in definitions.iter().enumerate().rev() {
        by_key.insert(definition.id.as_str(), index);
    }
    for (index, definition) in definitions.iter().enumerate().rev() {
        by_key.insert(definition.name.as_str(), index);
    }
    let needs: Vec<BTreeSet<usize>> = definitions
        .iter()
        .enumerate()
        .map(|(index, definition)| {
            let references = references(definition);
            let names = references.model_names();
            names
                .into_iter()
                .filter_map(|name| by_key.get(name).copied())
                .filter(|needed| *needed != index)
                .collect()
        })
        .collect();

    let mut order = Vec::with_capacity(definitions.len());
    let mut state = vec![Visit::New; definitions.len()];
    for start in 0..definitions.len() {
        // Depth first, with a stack of our own: chains may be as long as there are definitions.
        let mut stack = vec![(start, false)];
        while let Some((index, is_leaving)) = stack.pop() {
            if is_leaving {
                state[index] = Visit::Done;
                order.push(index);
                continue;
            }
            match state[index] {
                Visit::Done => {}
                Visit::Open => return Err(cycle(definitions, &stack, index)),
                Visit::New => {
                    state[index] = Visit::Open;
                    stack.push((index, true));
                    let open =
                        needs[index].iter().rev().filter(|need| state[**need] != Visit::Done);
                    stack.extend(open.map(|need| (*need, false)));
                }
            }
        }
    }
    Ok(order)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// Those between the two visits of `index` are open: they are the cycle.
fn cycle(definitions: &[Definition], stack: &[(usize, bool)], index: usize) -> Vec<String> {
    let open = stack.iter().filter(|(_, is_leaving)| *is_leaving).map(|(open, _)| *open);
    let members = open.skip_while(|open| *open != index);
    let mut names: Vec<String> =
        members.map(|member| definitions[member].name.to_string()).collect();
    let first = (0..names.len()).min_by_key(|position| &names[*position]).unwrap_or(0);
    names.rotate_left(first);
    names.extend(names.first().cloned());
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use swamp_ident::{DefinitionId, ModelName, TypeName};

    fn definitions(list: &[(&str, &[&str])]) -> Vec<Definition> {
        let definition = |(name, needs): &(&str, &[&str])| {
            let (type_name, id) =
                (TypeName::normalised("t"), DefinitionId::new(format!("id-{name}")));
            let mut definition = Definition::new(type_name, id, ModelName::new(name));
            let text = needs
                .iter()
                .map(|need| ["${{ data.latest('", need, "', 'result') }}"].concat())
                .collect::<String>();
            definition.global_arguments.insert("x".to_owned(), json!(text));
            definition
        };
        list.iter().map(definition).collect()
    }

    #[test]
    fn needed_definitions_come_first() {
        let names = |list: &[(&str, &[&str])]| {
            let definitions = definitions(list);
            order(&definitions).map(|order| {
                order
                    .into_iter()
                    .map(|index| definitions[index].name.to_string())
                    .collect::<Vec<_>>()
            })
        };
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(&[("a", &[]), ("b", &[])]), Ok(owned(&["a", "b"])));
        assert_eq!(
            names(&[("a", &["c", "b"]), ("b", &["c"]), ("c", &["gone", "c"])]),
            Ok(owned(&["c", "b", "a"]))
        );
        assert_eq!(names(&[("a", &["id-b"]), ("b", &[])]), Ok(owned(&["b", "a"])));
        assert_eq!(
            names(&[("x", &["d"]), ("d", &["c"]), ("c", &["b"]), ("b", &["d"])]),
            Err(owned(&["b", "d", "c", "b"]))
        );
    }
}
