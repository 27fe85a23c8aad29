//! The Pratt parser: tokens to tree, by binding power.

use std::sync::Arc;

use super::lexer::{Lexer, Token, TokenKind, is_word};
use super::tree::{Binary, Children, Kind, Node, NodeId, Span, Tree, Unary};
use super::{Fault, literal, vault_argument};
use crate::value::Value;

/// Nested parentheses, brackets, arguments and branches.
const MAX_NESTING: usize = 250;
/// Nodes on the longest way through the tree, which bounds the stack of everything that walks it.
const MAX_HEIGHT: u16 = 400;
const MAX_NODES: usize = 100_000;
const MAX_ELEMENTS: usize = 1000;
const MAX_ARGUMENTS: usize = 32;

type Result<T> = std::result::Result<T, Fault>;

/// Parses a whole source text.
pub(crate) fn parse(source: &Arc<str>) -> Result<Tree> {
    if u32::try_from(source.len()).is_err() {
        return Err(Fault::syntax("Expression too long", 0));
    }
    let mut lexer = Lexer::new(source);
    let current = lexer.next()?;
    let mut parser = Parser {
        source,
        lexer,
        current,
        nesting: 0,
        nodes: Vec::with_capacity(source.len() / 5 + 4),
        lists: Vec::new(),
        pending: Vec::new(),
    };
    let root = parser.expression()?;
    if parser.current.kind != TokenKind::End {
        let at = parser.current.start;
        let character = source[at..].chars().next().unwrap_or(' ');
        return Err(Fault::syntax(format!("Unexpected character: '{character}'"), at));
    }
    let Parser { nodes, lists, .. } = parser;
    let source = Arc::clone(source);
    Ok(Tree { source, nodes, lists, root, runtime: false, mixes_numbers: false })
}

struct Parser<'s> {
    source: &'s str,
    lexer: Lexer<'s>,
    current: Token,
    nesting: usize,
    nodes: Vec<Node>,
    lists: Vec<NodeId>,
    /// Children of the lists that are still open.
    pending: Vec<NodeId>,
}

/// Binding power of a binary operator; higher binds tighter, all are left-associative.
const fn binary(kind: TokenKind) -> Option<(u8, Binary)> {
    Some(match kind {
        TokenKind::Or => (1, Binary::Or),
        TokenKind::And => (2, Binary::And),
        TokenKind::Equal => (3, Binary::Equal),
        TokenKind::NotEqual => (3, Binary::NotEqual),
        TokenKind::Less => (4, Binary::Less),
        TokenKind::LessEqual => (4, Binary::LessEqual),
        TokenKind::Greater => (4, Binary::Greater),
        TokenKind::GreaterEqual => (4, Binary::GreaterEqual),
        TokenKind::In => (4, Binary::In),
        TokenKind::Plus => (5, Binary::Add),
        TokenKind::Minus => (5, Binary::Subtract),
        TokenKind::Star => (6, Binary::Multiply),
        TokenKind::Slash => (6, Binary::Divide),
        TokenKind::Percent => (6, Binary::Remainder),
        _ => return None,
    })
}

/// Words that may not be variables, though they may be fields.
fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "as" | "break"
            | "const"
            | "continue"
            | "else"
            | "for"
            | "function"
            | "if"
            | "import"
            | "let"
            | "loop"
            | "package"
            | "namespace"
            | "return"
            | "var"
            | "void"
            | "while"
            | "__proto__"
            | "prototype"
    )
}

/// The length of a model name with hyphens at the start of `text`, when one of the known parts of a
/// model follows: in `model.my-model.input` it is a name, not a subtraction.
fn hyphenated_model(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let length = bytes.iter().position(|byte| !is_word(*byte) && *byte != b'-')?;
    if !bytes[..length].contains(&b'-') {
        return None;
    }
    let member = text[length..].strip_prefix('.')?;
    let end = member.bytes().position(|byte| !is_word(byte)).unwrap_or(member.len());
    let known =
        matches!(&member[..end], "input" | "resource" | "file" | "execution" | "definition");
    known.then_some(length)
}

#[expect(clippy::cast_possible_truncation, reason = "sources are shorter than 4 GiB, see parse")]
const fn offset(at: usize) -> u32 {
    at as u32
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<Token> {
        let token = self.current;
        self.current = self.lexer.next()?;
        Ok(token)
    }

    /// Continues lexing at another place.
    fn jump(&mut self, at: usize) -> Result<()> {
        self.lexer.jump(at);
        self.current = self.lexer.next()?;
        Ok(())
    }

    fn expect(&mut self, kind: TokenKind) -> Result<Token> {
        if self.current.kind == kind {
            return self.advance();
        }
        let message = format!("Expected {}, got {}", kind.name(), self.current.kind.name());
        Err(Fault::syntax(message, self.current.start))
    }

    fn take(&mut self, kind: TokenKind) -> Result<bool> {
        let found = self.current.kind == kind;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn text(&self, token: Token) -> &str {
        &self.source[token.start..token.end]
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn start(&self, id: NodeId) -> usize {
        self.node(id).start as usize
    }

    fn push(&mut self, kind: Kind, at: usize, start: usize) -> Result<NodeId> {
        let height = 1 + self.height_below(&kind);
        if height > MAX_HEIGHT {
            return Err(Fault::syntax(format!("Exceeded maxDepth ({MAX_HEIGHT})"), start));
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(Fault::syntax(format!("Exceeded maxAstNodes ({MAX_NODES})"), start));
        }
        let id = NodeId(offset(self.nodes.len()));
        let (at, start) = (offset(at), offset(start));
        self.nodes.push(Node { kind, at, start, height, dynamic: false });
        Ok(id)
    }

    fn height_below(&self, kind: &Kind) -> u16 {
        let height = |id: NodeId| self.node(id).height;
        match *kind {
            Kind::Field(object, _) | Kind::Unary(_, object) => height(object),
            Kind::Index(left, right) | Kind::Binary(_, left, right) => {
                height(left).max(height(right))
            }
            Kind::Ternary(a, b, c) => height(a).max(height(b)).max(height(c)),
            Kind::List(children) | Kind::Map(children) | Kind::Call { children, .. } => {
                let (start, len) = (children.start as usize, children.len as usize);
                self.lists[start..start + len].iter().map(|id| height(*id)).max().unwrap_or(0)
            }
            Kind::Secret { vault, key } => height(vault).max(height(key)),
            _ => 0,
        }
    }

    /// Makes the children collected since `mark` a list of their own.
    fn close_list(&mut self, mark: usize) -> Children {
        let start = offset(self.lists.len());
        let len = offset(self.pending.len() - mark);
        self.lists.extend(self.pending.drain(mark..));
        Children { start, len }
    }

    fn expression(&mut self) -> Result<NodeId> {
        if self.nesting >= MAX_NESTING {
            let message = format!("Exceeded maxDepth ({MAX_NESTING})");
            return Err(Fault::syntax(message, self.current.start));
        }
        self.nesting += 1;
        let condition = self.operators(1)?;
        let result = if self.take(TokenKind::Question)? {
            let yes = self.expression()?;
            self.expect(TokenKind::Colon)?;
            let no = self.expression()?;
            let start = self.start(condition);
            self.push(Kind::Ternary(condition, yes, no), start, start)?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(result)
    }

    fn operators(&mut self, least: u8) -> Result<NodeId> {
        let mut left = self.unary()?;
        while let Some((power, operator)) = binary(self.current.kind) {
            if power < least {
                break;
            }
            self.advance()?;
            let right = self.operators(power + 1)?;
            let start = self.start(left);
            left = self.push(Kind::Binary(operator, left, right), start, start)?;
        }
        Ok(left)
    }

    /// Prefix operators, innermost applied first.
    fn unary(&mut self) -> Result<NodeId> {
        let (operator, token) = match self.current.kind {
            TokenKind::Minus => (Unary::Negate, self.advance()?),
            TokenKind::Not => (Unary::Not, self.advance()?),
            _ => return self.postfix(),
        };
        let number = self.current;
        if operator == Unary::Negate
            && number.kind == TokenKind::Number
            && literal::is_least_int(self.text(number))
        {
            self.advance()?;
            return self.push(Kind::Constant(Value::Int(i64::MIN)), token.start, token.start);
        }
        if self.nesting >= MAX_NESTING {
            return Err(Fault::syntax(format!("Exceeded maxDepth ({MAX_NESTING})"), token.start));
        }
        self.nesting += 1;
        let operand = self.unary()?;
        self.nesting -= 1;
        if operator == Unary::Negate {
            let node = &mut self.nodes[operand.0 as usize];
            let negated = match node.kind {
                Kind::Constant(Value::Int(number)) => number.checked_neg().map(Value::Int),
                Kind::Constant(Value::Double(number)) => Some(Value::Double(-number)),
                _ => None,
            };
            if let Some(negated) = negated {
                node.kind = Kind::Constant(negated);
                node.start = offset(token.start);
                node.at = node.start;
                return Ok(operand);
            }
        }
        self.push(Kind::Unary(operator, operand), token.start, token.start)
    }

    fn postfix(&mut self) -> Result<NodeId> {
        let mut object = self.primary()?;
        loop {
            let start = self.start(object);
            match self.current.kind {
                TokenKind::Dot => {
                    let name = self.member(object)?;
                    if self.current.kind == TokenKind::OpenParen {
                        object = self.method(object, name)?;
                    } else {
                        object =
                            self.push(Kind::Field(object, name), name.start as usize, start)?;
                    }
                }
                TokenKind::OpenBracket => {
                    self.advance()?;
                    let key = self.expression()?;
                    self.expect(TokenKind::CloseBracket)?;
                    object = self.push(Kind::Index(object, key), start, start)?;
                }
                _ => return Ok(object),
            }
        }
    }

    fn is_name(&self, id: NodeId, name: &str) -> bool {
        match self.node(id).kind {
            Kind::Name(span) => &self.source[span.start as usize..span.end as usize] == name,
            _ => false,
        }
    }

    /// The dot and the name after it.
    fn member(&mut self, object: NodeId) -> Result<Span> {
        let after = self.current.end;
        if self.is_name(object, "model")
            && let Some(length) = hyphenated_model(&self.source[after..])
        {
            self.jump(after + length)?;
            return Ok(Span { start: offset(after), end: offset(after + length) });
        }
        self.advance()?;
        let name = self.expect(TokenKind::Identifier)?;
        Ok(Span { start: offset(name.start), end: offset(name.end) })
    }

    /// The argument list of a method; the parenthesis is the current token.
    fn method(&mut self, object: NodeId, name: Span) -> Result<NodeId> {
        let start = self.start(object);
        let open = self.current.end;
        let mark = self.pending.len();
        self.pending.push(object);
        let secret = self.is_name(object, "vault")
            && &self.source[name.start as usize..name.end as usize] == "get";
        if secret {
            self.secret_arguments(open)?;
        } else {
            self.advance()?;
            self.elements(TokenKind::CloseParen, mark + 1)?;
        }
        let arguments = &self.pending[mark + 1..];
        if let (true, &[vault, key]) = (secret, arguments) {
            self.pending.truncate(mark);
            return self.push(Kind::Secret { vault, key }, start, start);
        }
        let children = self.close_list(mark);
        self.push(Kind::Call { name, children, has_receiver: true }, start, start)
    }

    /// Arguments of `vault.get`, from just after its parenthesis to just after the closing one.
    fn secret_arguments(&mut self, open: usize) -> Result<()> {
        let mut from = open;
        loop {
            if let Some(plain) = vault_argument::plain(self.source, from) {
                let value = Kind::Constant(Value::String(plain.text.into()));
                let argument = self.push(value, from, from)?;
                self.pending.push(argument);
                self.jump(plain.end)?;
            } else {
                self.jump(from)?;
                if self.current.kind == TokenKind::CloseParen {
                    break;
                }
                let argument = self.expression()?;
                self.pending.push(argument);
            }
            if self.current.kind != TokenKind::Comma {
                break;
            }
            from = self.current.end;
        }
        self.expect(TokenKind::CloseParen)?;
        Ok(())
    }

    /// Comma-separated expressions up to and including `close`; a trailing comma is fine.
    fn elements(&mut self, close: TokenKind, mark: usize) -> Result<()> {
        let (limit, what) = match close {
            TokenKind::CloseParen => (MAX_ARGUMENTS, "maxCallArguments"),
            _ => (MAX_ELEMENTS, "maxListElements"),
        };
        while self.current.kind != close {
            if self.pending.len() - mark >= limit {
                let message = format!("Exceeded {what} ({limit})");
                return Err(Fault::syntax(message, self.current.start));
            }
            let element = self.expression()?;
            self.pending.push(element);
            if !self.take(TokenKind::Comma)? {
                break;
            }
        }
        self.expect(close)?;
        Ok(())
    }

    fn primary(&mut self) -> Result<NodeId> {
        let token = self.current;
        let start = token.start;
        let constant = match token.kind {
            TokenKind::Number => literal::number(self.text(token)),
            TokenKind::Text => literal::text(self.text(token)),
            TokenKind::Bytes => literal::bytes(self.text(token)),
            TokenKind::True => Ok(Value::Bool(true)),
            TokenKind::False => Ok(Value::Bool(false)),
            TokenKind::Null => Ok(Value::Null),
            TokenKind::Identifier => return self.name(token),
            TokenKind::OpenParen => {
                self.advance()?;
                let inner = self.expression()?;
                self.expect(TokenKind::CloseParen)?;
                return Ok(inner);
            }
            TokenKind::OpenBracket => {
                self.advance()?;
                let mark = self.pending.len();
                self.elements(TokenKind::CloseBracket, mark)?;
                let children = self.close_list(mark);
                return self.push(Kind::List(children), start, start);
            }
            TokenKind::OpenBrace => return self.map(start),
            other => {
                let message = format!("Unexpected token: {}", other.name());
                return Err(Fault::syntax(message, start));
            }
        };
        let value = constant.map_err(|(message, at)| Fault::syntax(message, start + at))?;
        self.advance()?;
        self.push(Kind::Constant(value), start, start)
    }

    fn map(&mut self, start: usize) -> Result<NodeId> {
        self.advance()?;
        let mark = self.pending.len();
        while self.current.kind != TokenKind::CloseBrace {
            if self.pending.len() - mark >= 2 * MAX_ELEMENTS {
                let message = format!("Exceeded maxMapEntries ({MAX_ELEMENTS})");
                return Err(Fault::syntax(message, self.current.start));
            }
            let key = self.expression()?;
            self.pending.push(key);
            self.expect(TokenKind::Colon)?;
            let value = self.expression()?;
            self.pending.push(value);
            if !self.take(TokenKind::Comma)? {
                break;
            }
        }
        self.expect(TokenKind::CloseBrace)?;
        let children = self.close_list(mark);
        self.push(Kind::Map(children), start, start)
    }

    /// A variable, or the call of a function.
    fn name(&mut self, token: Token) -> Result<NodeId> {
        let (start, end) = (token.start, token.end);
        if is_reserved(self.text(token)) {
            let message = format!("Reserved identifier: {}", self.text(token));
            return Err(Fault::syntax(message, start));
        }
        self.advance()?;
        let name = Span { start: offset(start), end: offset(end) };
        if self.current.kind != TokenKind::OpenParen {
            return self.push(Kind::Name(name), start, start);
        }
        self.advance()?;
        let mark = self.pending.len();
        self.elements(TokenKind::CloseParen, mark)?;
        let children = self.close_list(mark);
        self.push(Kind::Call { name, children, has_receiver: false }, start, start)
    }
}

#[cfg(test)]
mod tests;
