//! Guards against deeply nested Cedar text. The Cedar parser is recursive, and a stack overflow
//! aborts the whole process. A pull request must not be able to cause that.

use std::thread;

/// Maximum depth of an expression, as counted by [`depth`].
pub const DEEPEST: usize = 500;
/// Stack size in bytes: enough for [`DEEPEST`] in a debug build, with a margin. Pages that are
/// never touched use no memory.
const STACK: usize = 128 << 20;

/// Runs `work` on a thread with enough stack for [`DEEPEST`]. Returns `None` if the thread cannot
/// be started or panics.
pub fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("cedar".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        worker.ok()?.join().ok()
    })
}

/// An upper bound of the depth of the syntax tree of a Cedar text: open brackets plus the operators
/// chained at each level. Strings and comments are skipped. The result for text that is not valid
/// Cedar is unspecified but never panics.
pub fn depth(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut levels = vec![0_usize];
    let mut total = 0_usize;
    let mut deepest = 0_usize;
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let (length, step) = match byte {
            b'"' => (string_length(rest), DepthChange::Skip),
            b'/' if rest.starts_with(b"//") => (
                rest.iter()
                    .position(|byte| *byte == b'\n')
                    .unwrap_or(rest.len()),
                DepthChange::Skip,
            ),
            b'(' | b'[' | b'{' => (1, DepthChange::Open),
            b')' | b']' | b'}' => (1, DepthChange::Close),
            b',' => (1, DepthChange::Next),
            b';' => (1, DepthChange::End),
            b'&' | b'|' | b'=' | b':' if rest.get(1) == Some(byte) => (2, DepthChange::Chain),
            b'!' | b'-' | b'+' | b'*' | b'.' | b'<' | b'>' | b'&' | b'|' | b'=' => {
                (1, DepthChange::Chain)
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' => {
                let length = rest
                    .iter()
                    .position(|b| !b.is_ascii_alphanumeric() && *b != b'_')
                    .unwrap_or(rest.len());
                let chains = matches!(
                    &rest[..length],
                    b"if" | b"has" | b"like" | b"in" | b"is" | b"when" | b"unless"
                );
                (
                    length,
                    if chains {
                        DepthChange::Chain
                    } else {
                        DepthChange::Skip
                    },
                )
            }
            _ => (1, DepthChange::Skip),
        };
        at += length.max(1);
        total = apply_depth_change(step, &mut levels, total);
        deepest = deepest.max(total);
    }
    deepest
}

/// The effect of a token on the depth.
enum DepthChange {
    Skip,
    Chain,
    Open,
    Close,
    Next,
    End,
}

fn apply_depth_change(step: DepthChange, levels: &mut Vec<usize>, total: usize) -> usize {
    let last = levels.last().copied().unwrap_or_default();
    match step {
        DepthChange::Skip => total,
        DepthChange::Chain => grow(levels, total),
        DepthChange::Open => {
            levels.push(1);
            total + 1
        }
        // A bracketed expression becomes an operand: `a[0][0]` is deeper than `a[0]`.
        DepthChange::Close if levels.len() > 1 => {
            levels.pop();
            grow(levels, total - last)
        }
        DepthChange::Close => total,
        DepthChange::Next => {
            let left = last.min(1);
            if let Some(level) = levels.last_mut() {
                *level = left;
            }
            total - last + left
        }
        DepthChange::End => {
            levels.clear();
            levels.push(0);
            0
        }
    }
}

fn grow(levels: &mut [usize], total: usize) -> usize {
    if let Some(level) = levels.last_mut() {
        *level += 1;
    }
    total + 1
}

/// The length of a string literal with its quotes in bytes; up to the end of the text if it is not
/// closed.
pub(crate) fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            b'"' if !escaped => return at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn counts_what_nests_and_nothing_else() {
        let many = |text: &str| text.repeat(100);
        let cases = [
            (String::new(), 0),
            ("permit(principal, action, resource);".to_owned(), 1),
            (many("permit(principal, action, resource);"), 1),
            (many("("), 100),
            (many("!"), 100),
            (many("a && "), 100),
            (many("a[0]"), 100),
            (many("if a then b else "), 100),
            (format!("[{}]", many("\"(((\", ")), 1),
            (format!("\"{}\"", many("(\\\"")), 0),
            (format!("// {}\n(", many("(")), 1),
            (many(")"), 0),
        ];
        for (text, expected) in cases {
            assert_eq!(depth(&text), expected, "{text}");
        }
    }
}
