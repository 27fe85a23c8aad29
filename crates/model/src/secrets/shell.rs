//! Secrets in shell scripts.

/// The variable that holds the secret with this number.
pub(super) fn variable(index: usize) -> String {
    format!("__SWAMP_VAULT_{index}")
}

/// How text is read at some place of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// Outside quotes; inside this many open parentheses of the same substitution.
    None(usize),
    Single,
    Double,
}

/// Replaces each stand-in in a script by a reference to its variable, quoted so that the shell takes
/// the value as one piece of text wherever the reference stands: bare, in double quotes, in single
/// quotes, or in a command substitution. `stand_in` tells the number and the length of a stand-in at
/// the beginning of a text. Tells which stand-ins occurred.
pub(super) fn refer(
    script: &str,
    stand_in: &dyn Fn(&str) -> Option<(usize, usize)>,
) -> (String, Vec<usize>) {
    let mut out = String::with_capacity(script.len());
    let mut used = Vec::new();
    // The innermost last; a command substitution opens a context of its own.
    let mut contexts = vec![Quotes::None(0)];
    let mut rest = script;
    while let Some(character) = rest.chars().next() {
        if let Some((index, length)) = stand_in(rest) {
            let name = variable(index);
            let (before, after) = match contexts.last() {
                Some(Quotes::Double) => ("${", "}"),
                Some(Quotes::Single) => ("'\"${", "}\"'"),
                _ => ("\"${", "}\""),
            };
            out.extend([before, &name, after]);
            if !used.contains(&index) {
                used.push(index);
            }
            rest = &rest[length..];
            continue;
        }
        let mut taken = character.len_utf8();
        match (contexts.last().copied(), character) {
            (Some(Quotes::Single), '\'') | (Some(Quotes::Double), '"') => {
                contexts.pop();
            }
            (Some(Quotes::Single), _) => {}
            (_, '\\') => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            (_, '$') if rest[1..].starts_with('(') => {
                contexts.push(Quotes::None(0));
                taken += 1;
            }
            (Some(Quotes::None(_)), '\'') => contexts.push(Quotes::Single),
            (Some(Quotes::None(_)), '"') => contexts.push(Quotes::Double),
            (Some(Quotes::None(depth)), '(') => {
                replace_last(&mut contexts, Quotes::None(depth + 1));
            }
            (Some(Quotes::None(0)), ')') if contexts.len() > 1 => {
                contexts.pop();
            }
            (Some(Quotes::None(depth)), ')') => {
                replace_last(&mut contexts, Quotes::None(depth.saturating_sub(1)));
            }
            _ => {}
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    (out, used)
}

fn replace_last(contexts: &mut [Quotes], with: Quotes) {
    if let Some(last) = contexts.last_mut() {
        *last = with;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_quoted_for_their_place() {
        for (script, want) in [
            ("echo S", r#"echo "${__SWAMP_VAULT_0}""#),
            (r#"echo "a S b""#, r#"echo "a ${__SWAMP_VAULT_0} b""#),
            ("echo 'a S b'", r#"echo 'a '"${__SWAMP_VAULT_0}"' b'"#),
            (r#"echo "it's S" S"#, r#"echo "it's ${__SWAMP_VAULT_0}" "${__SWAMP_VAULT_0}""#),
            (r#"echo 'say "' S"#, r#"echo 'say "' "${__SWAMP_VAULT_0}""#),
            (r"echo \' S", r#"echo \' "${__SWAMP_VAULT_0}""#),
            (r#"echo \" "\" S""#, r#"echo \" "\" ${__SWAMP_VAULT_0}""#),
            (
                r#"x="$(f 'S' "S" S)""#,
                r#"x="$(f ''"${__SWAMP_VAULT_0}"'' "${__SWAMP_VAULT_0}" "${__SWAMP_VAULT_0}")""#,
            ),
            (r#""$( (f); g "S" ) S""#, r#""$( (f); g "${__SWAMP_VAULT_0}" ) ${__SWAMP_VAULT_0}""#),
            ("f() { S; } )", r#"f() { "${__SWAMP_VAULT_0}"; } )"#),
            ("\u{fc}\\\u{fc} S", "\u{fc}\\\u{fc} \"${__SWAMP_VAULT_0}\""),
            ("end \\", "end \\"),
        ] {
            let (got, used) = refer(script, &|text| text.starts_with('S').then_some((0, 1)));
            assert_eq!(got, want, "{script}");
            assert_eq!(used.is_empty(), !script.contains('S'), "{script}");
        }
    }
}
