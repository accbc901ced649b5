//! The patterns that the style rules reject, with what to write instead.
//!
//! A pattern ignores case, and never spans paragraphs. It must be precise: ordinary technical
//! English ("holds the lock", "is no longer used") is no match.

use AppliesTo::{Everywhere, Literals};

/// Which texts a pattern is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppliesTo {
    /// Literals, comments, documentation, schemas and examples.
    Everywhere,
    /// Only string literals of Rust code: the texts of messages.
    Literals,
}

/// One rejected pattern.
#[derive(Debug)]
pub struct StyleRule {
    /// The letter of the style rule; `S` is American spelling.
    pub letter: char,
    /// Where it applies.
    pub scope: AppliesTo,
    /// What is rejected.
    pub pattern: &'static str,
    /// Matched texts that are fine; empty for none.
    pub except: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

const fn all(letter: char, pattern: &'static str, instead: &'static str) -> StyleRule {
    StyleRule {
        letter,
        scope: Everywhere,
        pattern,
        except: "",
        instead,
    }
}

const fn but(rule: StyleRule, except: &'static str) -> StyleRule {
    StyleRule { except, ..rule }
}

/// All rejected patterns.
pub const RULES: &[StyleRule] = &[
    // A: invalid, unknown, missing, duplicate, unsupported.
    but(
        all(
            'A',
            r"(?:\bthere )?\b(?:is|are|was|were) no [\w`'{<]+",
            "invalid/unknown/unsupported X, or \"is not a Y\"",
        ),
        r"^there |no (?:longer|more|less|fewer|later|earlier|need|other|different|worse|better)$",
    ),
    all(
        'A',
        r"\bthere (?:is|are|was|were) no [^.;:]{1,60}? (?:that|which|of that|by that)\b",
        "unknown X, missing X, or \"no X …\" with a verb",
    ),
    StyleRule {
        letter: 'A',
        scope: Literals,
        pattern: r"\bthere (?:is|are|was|were) no\b",
        except: "",
        instead: "no X, unknown X or missing X",
    },
    but(
        all('A', r"\b(?:is|are) not (?:one|any)\b(?: of)?", "invalid X"),
        " of$",
    ),
    all('A', r"\bthat (?:is|are) none\b", "invalid X"),
    // B: YAML's own terms; files contain things.
    but(
        all(
            'B',
            r"\bstands\b(?: for\b)?",
            "is, appears, or name the place",
        ),
        " for$",
    ),
    all(
        'B',
        r"\bstand (?:in|at|on|above|below|before|after|between|beside|inside|outside|there|here|first|alone)\b",
        "be, appear, or name the place",
    ),
    all('B', r"\bstood\b", "was, or name the place"),
    but(
        all(
            'B',
            r"(?:\bon )?\bholds?\b(?: (?:back|true|only|for|if|when|on to|onto)\b| (?:an? |the |its |this |that |both |no )?(?:\w+ )?\w+)?",
            "contains, has; a gate passes, a rule applies",
        ),
        r"^on |^holds? (?:back|true|only|for|if|when|on to|onto)\b|\b(?:locks?|mutex(?:es)?|permits?|connections?|handles?|references?)\b",
    ),
    all(
        'B',
        r"\bheld (?:to|in|by|below|above|under)\b",
        "checked against, stored in, limited to",
    ),
    all(
        'B',
        r"\blies?\b (?:in|on|at|within|between|outside|inside|below|above|beyond|beside|there|under)\b|\bwhat lies\b",
        "is, must be between, is located",
    ),
    // Codes never change, so the code of a diagnostic stays.
    but(
        all(
            'B',
            r"(?:\bprofile-)?\black(?:s|ed|ing)?\b",
            "missing, has no, without",
        ),
        "^profile-",
    ),
    all('B', r"\bparted\b", "separated"),
    all(
        'B',
        r"\b(?:lists?|mappings?|sets?|pairs?) of texts\b",
        "list of strings",
    ),
    all('B', r"\b(?:not|got|be|is|expected) a text\b", "a string"),
    all('B', r"\bsame (?:key|field|name) twice\b", "duplicate key"),
    // C: subject, verb, object; one idea per sentence.
    all(
        'C',
        r"\bwould have to be\b|\bwhat would have to\b",
        "changes required, must be",
    ),
    all(
        'C',
        r"\b(?:nothing|something|anything|what|there) (?:is|was|remains|is left) to do\b",
        "no changes",
    ),
    all(
        'C',
        r"\bwhat (?:is|was|were|are) live\b",
        "the live state, the server",
    ),
    all(
        'C',
        r"\bwhat (?:is|was) wanted\b",
        "the desired state, the manifests",
    ),
    all('C', r"\bof which\b", "a second sentence"),
    all('C', r"\bso that\b[^.;:]*\bso that\b", "two sentences"),
    all(
        'C',
        r"\b(?:is|are|was|were|be|been) told\b",
        "is reported, gets, prints",
    ),
    all(
        'C',
        r"\b(?:tells?|told) (?:of|apart)\b",
        "report, show, distinguish",
    ),
    all('C', r"\banew\b", "again"),
    all(
        'C',
        r"\bsome(?:body|one else)\b",
        "another client, another user, passive voice",
    ),
    all('C', r"\bwho(?:so)?ever\b", "the user who, anyone who"),
    all('C', r"\bwhom\b", "who, or another sentence"),
    all('C', r"\ball else\b", "everything else"),
    all('C', r"\blikewise\b", "also"),
    all(
        'C',
        r"\b(?:nobody|no one) can (?:tell|say|know)\b",
        "unknown",
    ),
    all(
        'C',
        r"\bback to what (?:it|they) (?:was|were)\b",
        "undo, restore",
    ),
    all('C', r"\bunder way\b", "in progress, concurrent"),
    all(
        'C',
        r"\blives? (?:in|at) (?:a|the|one) (?:server|service)\b",
        "on a server",
    ),
    all(
        'C',
        r"\b(?:make|makes|made|making|keep|keeps|kept) (?:\w+ ){1,6}equal\b|\bequal to the manifests\b",
        "match the manifests, in sync with",
    ),
    all(
        'C',
        r"\btaken? (?:\w+ )?for (?:an? |errors|one\b)",
        "treat as",
    ),
    all('C', r"\bhouse plan\b|\bof the house\b", "module structure"),
    but(
        all(
            'C',
            r"(?:\bplan-gate-)?\bshut\b(?: down| off)?",
            "a gate fails",
        ),
        "^plan-gate-| (?:down|off)$",
    ),
    all(
        'C',
        r"\bfindings\b|\b(?:an?|the|each|every|this|no|any|one|of|its|that|same|first|other|another) finding\b",
        "diagnostic (error, warning, hint)",
    ),
    all(
        'C',
        r"\b(?:as|where|that) nothing allows\b",
        "denied by default",
    ),
    all(
        'C',
        r"\bby a yes\b|\bafter a yes\b|\bnobody there\b",
        "requires confirmation; --auto-approve",
    ),
    all('C', r"\bcareful of\b", "threat model"),
    // D: people and actors.
    all('D', r"\bin no teams?\b", "everyone except members of T"),
    all('D', r"\b(?:an)?other writers?\b", "another client"),
    all(
        'D',
        r"\bmachines follow\b",
        "sandboxes pick the change up within five minutes",
    ),
    // E: states are single words.
    all('E', r"\bunknown fate\b|\bfate of\b", "outcome unknown"),
    all('E', r"\bgood order\b", "was interrupted"),
    // F: counts.
    all(
        'F',
        r"\b1 (?:calls|changes|errors|warnings|hints|rules|policies|packs|groups|documents|files|requests|runs|targets)\b",
        "the singular after 1",
    ),
    // S: American spelling.
    all(
        'S',
        r"\b(?:colour|behaviour|favour|honour|neighbour|flavour|labour|rumour)\w*",
        "-or: color, behavior, favor, honor, neighbor",
    ),
    all(
        'S',
        r"\blicences?\b|\b(?:de|of)fences?\b",
        "-se: license, defense",
    ),
    all(
        'S',
        r"\b(?:un|re|de)?(?:neutral|normal|serial|organ|recogn|initial|canonical|author|summar|minim|maxim|optim|synchron|general|special|priorit|standard|custom|util|token|final|parallel|categor)is(?:e[sdr]?|ing|ations?)\b",
        "-ize, -ization",
    ),
    all('S', r"\banalys(?:e|ed|ing)\b", "analyze"),
    // `cancelled()` is a function in expressions of GitHub Actions.
    but(
        all(
            'S',
            r"\b(?:labell|modell|travell|signall|cancell|fulfil|marshall)(?:ed|ing|s)?\b(?:\(\))?",
            "one l: labeled, modeled, canceled (but: fulfill)",
        ),
        r"^cancelled\(\)$",
    ),
    all(
        'S',
        r"\b(?:centre|metre|catalogue|grey|cheque|artefact|programme)s?\b|\bwhilst\b|\bamongst\b",
        "center, catalog, gray, artifact, program, while, among",
    ),
];
