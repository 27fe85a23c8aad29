//! Tokens of the expression language, found one at a time.

use super::Fault;

/// The kinds of tokens. Names in messages are those of [`TokenKind::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    End,
    Number,
    Text,
    Bytes,
    Identifier,
    True,
    False,
    Null,
    In,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Not,
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Question,
    Colon,
    Dot,
    Comma,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
}

impl TokenKind {
    /// How messages call this kind.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::End => "EOF",
            Self::Number => "NUMBER",
            Self::Text => "STRING",
            Self::Bytes => "BYTES",
            Self::Identifier => "IDENTIFIER",
            Self::True | Self::False => "BOOLEAN",
            Self::Null => "NULL",
            Self::In => "IN",
            Self::Plus => "PLUS",
            Self::Minus => "MINUS",
            Self::Star => "MULTIPLY",
            Self::Slash => "DIVIDE",
            Self::Percent => "MODULO",
            Self::Not => "NOT",
            Self::And => "AND",
            Self::Or => "OR",
            Self::Equal => "EQ",
            Self::NotEqual => "NE",
            Self::Less => "LT",
            Self::LessEqual => "LE",
            Self::Greater => "GT",
            Self::GreaterEqual => "GE",
            Self::Question => "QUESTION",
            Self::Colon => "COLON",
            Self::Dot => "DOT",
            Self::Comma => "COMMA",
            Self::OpenParen => "LPAREN",
            Self::CloseParen => "RPAREN",
            Self::OpenBracket => "LBRACKET",
            Self::CloseBracket => "RBRACKET",
            Self::OpenBrace => "LBRACE",
            Self::CloseBrace => "RBRACE",
        }
    }
}

/// A token: its kind and its bytes in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Finds tokens in a text. Cloning saves the place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    pub(crate) const fn new(source: &'s str) -> Self {
        Self { source, at: 0 }
    }

    /// Continues from another place, which must be a character boundary.
    pub(crate) const fn jump(&mut self, at: usize) {
        self.at = at;
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.source.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// The next token; [`TokenKind::End`] for ever after the last one.
    pub(crate) fn next(&mut self) -> Result<Token, Fault> {
        self.skip_blank();
        let start = self.at;
        let Some(&first) = self.source.as_bytes().get(start) else {
            return Ok(Token { kind: TokenKind::End, start, end: start });
        };
        let second = self.byte(1);
        let (kind, length) = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => return self.word(start),
            b'0'..=b'9' => return self.number(start),
            b'"' | b'\'' => return self.text(start, 0, TokenKind::Text),
            b'+' => (TokenKind::Plus, 1),
            b'-' => (TokenKind::Minus, 1),
            b'*' => (TokenKind::Star, 1),
            b'/' => (TokenKind::Slash, 1),
            b'%' => (TokenKind::Percent, 1),
            b'?' => (TokenKind::Question, 1),
            b':' => (TokenKind::Colon, 1),
            b'.' => (TokenKind::Dot, 1),
            b',' => (TokenKind::Comma, 1),
            b'(' => (TokenKind::OpenParen, 1),
            b')' => (TokenKind::CloseParen, 1),
            b'[' => (TokenKind::OpenBracket, 1),
            b']' => (TokenKind::CloseBracket, 1),
            b'{' => (TokenKind::OpenBrace, 1),
            b'}' => (TokenKind::CloseBrace, 1),
            b'!' if second == b'=' => (TokenKind::NotEqual, 2),
            b'!' => (TokenKind::Not, 1),
            b'<' if second == b'=' => (TokenKind::LessEqual, 2),
            b'<' => (TokenKind::Less, 1),
            b'>' if second == b'=' => (TokenKind::GreaterEqual, 2),
            b'>' => (TokenKind::Greater, 1),
            b'=' if second == b'=' => (TokenKind::Equal, 2),
            b'&' if second == b'&' => (TokenKind::And, 2),
            b'|' if second == b'|' => (TokenKind::Or, 2),
            _ => return Err(self.unexpected(start)),
        };
        self.at = start + length;
        Ok(Token { kind, start, end: self.at })
    }

    fn unexpected(&self, at: usize) -> Fault {
        let character = self.source.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
        Fault::syntax(format!("Unexpected character: {character}"), at)
    }

    fn skip_blank(&mut self) {
        let bytes = self.source.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if bytes.get(self.at + 1) == Some(&b'/') => {
                    let rest = &bytes[self.at..];
                    let length = rest.iter().position(|byte| *byte == b'\n');
                    self.at += length.unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn word(&mut self, start: usize) -> Result<Token, Fault> {
        let bytes = self.source.as_bytes();
        // A quote right after `b` or `r` belongs to it.
        if matches!(bytes.get(start + 1), Some(b'"' | b'\'')) {
            match bytes[start] {
                b'b' | b'B' => return self.text(start, 1, TokenKind::Bytes),
                b'r' | b'R' => return self.text(start, 1, TokenKind::Text),
                _ => {}
            }
        }
        let rest = &bytes[start..];
        let length = rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
        self.at = start + length;
        let kind = match &rest[..length] {
            b"true" => TokenKind::True,
            b"false" => TokenKind::False,
            b"null" => TokenKind::Null,
            b"in" => TokenKind::In,
            _ => TokenKind::Identifier,
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn number(&mut self, start: usize) -> Result<Token, Fault> {
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X') {
            self.at += 2;
            while self.byte(0).is_ascii_hexdigit() {
                self.at += 1;
            }
            if self.at == start + 2 {
                return Err(Fault::syntax("Invalid hex integer: 0x", start));
            }
        } else {
            self.digits();
            let mut whole = true;
            if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
                whole = false;
                self.at += 1;
                self.digits();
            }
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
                whole = false;
                self.at += 1 + sign;
                self.digits();
            } else if matches!(self.byte(0), b'e' | b'E') && sign == 1 {
                return Err(Fault::syntax("Invalid exponent", self.at + 2));
            }
            if !whole {
                return Ok(Token { kind: TokenKind::Number, start, end: self.at });
            }
        }
        if matches!(self.byte(0), b'u' | b'U') {
            self.at += 1;
        }
        Ok(Token { kind: TokenKind::Number, start, end: self.at })
    }

    fn text(&mut self, start: usize, prefix: usize, kind: TokenKind) -> Result<Token, Fault> {
        match literal_end(self.source.as_bytes(), start + prefix) {
            Ok(end) => {
                self.at = end;
                Ok(Token { kind, start, end })
            }
            Err(Unclosed::Newline) => {
                Err(Fault::syntax("Newlines not allowed in single-quoted strings", start + prefix))
            }
            Err(Unclosed::Line) => Err(Fault::syntax("Unterminated string", start + prefix)),
            Err(Unclosed::Triple) => {
                Err(Fault::syntax("Unterminated triple-quoted string", start + prefix))
            }
        }
    }
}

/// Whether a byte may stand inside an identifier.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Why a string literal has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclosed {
    /// The text ends before a quote does.
    Line,
    /// The text ends before three quotes do.
    Triple,
    /// A line break in a single-line literal.
    Newline,
}

/// Where the string literal whose opening quote is at `quote` ends (after its closing quote). A
/// backslash protects the next character, in raw literals too.
pub(crate) fn literal_end(bytes: &[u8], quote: usize) -> Result<usize, Unclosed> {
    let mark = bytes[quote];
    let triple = bytes.get(quote + 1) == Some(&mark) && bytes.get(quote + 2) == Some(&mark);
    let mut at = quote + if triple { 3 } else { 1 };
    loop {
        match bytes.get(at) {
            None if triple => return Err(Unclosed::Triple),
            None => return Err(Unclosed::Line),
            Some(b'\\') => at += 2,
            Some(b'\n' | b'\r') if !triple => return Err(Unclosed::Newline),
            Some(byte) if *byte == mark => {
                if !triple {
                    return Ok(at + 1);
                }
                if bytes.get(at + 1) == Some(&mark) && bytes.get(at + 2) == Some(&mark) {
                    return Ok(at + 3);
                }
                at += 1;
            }
            Some(_) => at += 1,
        }
    }
}
