//! Text that nothing unloads: prose, source code, configuration, logs that are not of access. What it looks like,
//! and how much that speaks against a table.

use crate::{access_log::share, encoding::Text, field::is_iso_time, identify::Guess};

/// How many lines are looked at.
const LINES: usize = 2000;

/// What a text's lines look like, other than rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    /// The largest share of lines that are one of the below, from 0 to 1.
    pub(crate) against: f32,
    /// Whether a row of dashes says that the vertical bars are a Markdown table's.
    pub(crate) has_markdown_table: bool,
    /// The share of lines of source code.
    code: f32,
    /// The share of lines that begin with a time or a level and go on in words.
    log: f32,
    /// The share of lines that set a key to a value.
    config: f32,
    /// The share of lines that are whole sentences or parts of them.
    sentences: f32,
    /// The share of lines that are marked up as Markdown.
    markdown: f32,
}

/// What the lines of `text` look like.
pub(crate) fn evidence(text: &Text) -> Evidence {
    let (mut lines, mut code, mut log, mut config, mut sentences, mut markdown) = (0, 0, 0, 0, 0, 0);
    let mut has_markdown_table = false;
    for line in text.lines().take(LINES) {
        let line = line.trim();
        lines += 1;
        has_markdown_table |= is_table_rule(line);
        if is_log(line) {
            log += 1;
        } else if is_code(line) {
            code += 1;
        } else if is_config(line) {
            config += 1;
        } else if is_markdown(line) {
            markdown += 1;
        } else if is_sentence(line) {
            sentences += 1;
        }
    }
    let [code, log, config, sentences, markdown] =
        [code, log, config, sentences, markdown].map(|count| share(count, lines));
    let mut against = [log, code + config + markdown, sentences + markdown]
        .into_iter()
        .fold(0.0, f32::max);
    if text.lines().next().is_some_and(begins_code) {
        against = against.max(0.6);
    }
    if against < 0.15 {
        // A few odd lines are in every table.
        against = 0.0;
    }
    Evidence {
        against: against.min(1.0),
        has_markdown_table,
        code,
        log,
        config,
        sentences,
        markdown,
    }
}

/// What text that is no table and no access log looks like. `name` is lower-case.
pub(crate) fn identify(text: &Text, name: &str) -> Guess {
    let evidence = evidence(text);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let guess = |format, looks_like: &str, media_type, confidence: f32| {
        Guess::new(None, format, looks_like, media_type, confidence)
    };
    let is_marked_up = evidence.markdown > 0.1 || evidence.has_markdown_table;
    if evidence.log > 0.4 {
        guess("log", "a log, but not an access log", "text/plain", evidence.log)
    } else if evidence.config > 0.4 && evidence.config > evidence.sentences {
        guess("config", "a configuration file", "text/plain", evidence.config)
    } else if is_marked_up && evidence.markdown + evidence.sentences > evidence.code
        || ends(&[".md", ".markdown"])
    {
        guess("markdown", "Markdown", "text/markdown", 0.7)
    } else if evidence.code > 0.3 {
        guess("code", "source code", "text/plain", evidence.code.max(0.5))
    } else {
        guess("text", "plain text", "text/plain", 0.5 + evidence.sentences / 2.0)
    }
}

/// Whether a delimiter stands between two fields as tables have it, with no space behind it.
fn has_tight_delimiter(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.contains(&b'\t')
        || bytes.windows(2).any(|pair| {
            matches!(pair, [b',' | b';' | b'|', next] if !matches!(next, b' ' | b'"' | b'\'' | b')' | b'\\'))
                || matches!(pair, [b'"' | b',' | b';', b'"'])
        })
}

fn is_sentence(line: &str) -> bool {
    let mut words = 0;
    let mut of_letters = 0;
    for word in line.split_whitespace().take(40) {
        words += 1;
        let letters = word.chars().filter(|char| char.is_alphabetic()).count();
        of_letters += usize::from(letters * 10 >= word.chars().count() * 7);
    }
    words >= 5 && of_letters * 10 >= words * 7 && !has_tight_delimiter(line)
}

/// What source code begins with, and tables do not.
fn begins_code(line: &str) -> bool {
    const STARTS: [&str; 14] = [
        "#!",
        "#include",
        "/*",
        "//",
        "<?php",
        "package ",
        "import ",
        "from ",
        "use ",
        "using ",
        "\"\"\"",
        "--",
        "module ",
        "'use strict'",
    ];
    let line = line.trim();
    STARTS.iter().any(|start| line.starts_with(start)) && !has_tight_delimiter(line)
}

fn is_code(line: &str) -> bool {
    const STARTS: [&str; 62] = [
        "//",
        "/*",
        "*/",
        "* ",
        "#include",
        "#define",
        "#if",
        "#endif",
        "#[",
        "#!",
        "@",
        "import ",
        "from ",
        "use ",
        "using ",
        "fn ",
        "pub ",
        "let ",
        "const ",
        "var ",
        "def ",
        "class ",
        "return ",
        "return;",
        "if ",
        "if(",
        "for ",
        "for(",
        "while ",
        "else",
        "elif ",
        "} else",
        "package ",
        "func ",
        "function ",
        "public ",
        "private ",
        "protected ",
        "static ",
        "struct ",
        "enum ",
        "impl ",
        "mod ",
        "match ",
        "try",
        "catch",
        "except",
        "raise ",
        "with ",
        "async ",
        "await ",
        "export ",
        "echo ",
        "select ",
        "insert into",
        "create table",
        "drop table",
        "values",
        "values(",
        "print(",
        "self.",
        "assert",
    ];
    const ENDS: [&str; 22] = [
        "\",", "',", "{", "}", "};", "});", "({", "),", ");", "(", ")", "],", "];", "[", "]", "=>", "->",
        "\\", "&&", "||", "},", "):",
    ];
    let lower = line.get(..16).unwrap_or(line).to_ascii_lowercase();
    let begins = STARTS.iter().any(|start| lower.starts_with(start));
    let is_statement =
        line.ends_with(';') && (line.contains('(') || line.contains(" = ") || line.contains("->"));
    let ends = ENDS.iter().any(|end| line.ends_with(end));
    let is_tight = has_tight_delimiter(line);
    let is_bracketed = line.starts_with(['(', '[', '{']) && line.ends_with([',', ';', ')', ']', '}']);
    // What compilers print beside the lines they quote.
    let is_gutter = line == "|"
        || (line.starts_with("| ") && !line.ends_with('|'))
        || line.starts_with("--> ")
        || line.starts_with("= note:")
        || line.starts_with("= help:");
    is_gutter || is_bracketed || is_statement || (begins && !is_tight) || (ends && !is_tight)
}

fn is_markdown(line: &str) -> bool {
    line.starts_with("# ")
        || line.starts_with("## ")
        || line.starts_with("###")
        || line.starts_with("- ")
        || line.starts_with("+ ")
        || line.starts_with("> ")
        || line.starts_with("```")
        || line.starts_with("**")
        || line.contains("](")
        || is_table_rule(line)
}

/// `| --- | :---: |`, and what databases print below a header.
fn is_table_rule(line: &str) -> bool {
    line.contains("--")
        && line.contains(['|', '+'])
        && line
            .bytes()
            .all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'+' | b'='))
}

/// `key: value`, `key = value`, `[section]`.
fn is_config(line: &str) -> bool {
    if line.starts_with('[') && line.ends_with(']') {
        return true;
    }
    let line = line.strip_prefix("- ").unwrap_or(line);
    let is_key = |key: &str| {
        !key.is_empty()
            && key.len() <= 60
            && key
                .chars()
                .all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.' | '/' | '"' | '\''))
    };
    let by_colon = line
        .split_once(": ")
        .or_else(|| line.strip_suffix(':').map(|key| (key, "")));
    let by_sign = line.split_once('=');
    [by_colon, by_sign]
        .into_iter()
        .flatten()
        .any(|(key, _)| is_key(key.trim_end()))
        && !line.contains('\t')
}

/// A time or a level, and then words: syslog, log4j, Python's logging, journald, nginx's error log.
fn is_log(line: &str) -> bool {
    const LEVELS: [&str; 14] = [
        "INFO", "DEBUG", "WARN", "WARNING", "ERROR", "FATAL", "TRACE", "NOTICE", "CRITICAL", "info", "debug",
        "warn", "error", "notice",
    ];
    let head = line.get(..80).unwrap_or(line);
    let has_level = head
        .split(|char: char| !char.is_ascii_alphabetic())
        .any(|word| LEVELS.contains(&word));
    let body = line.trim_start_matches(['[', '(', '<']);
    let is_timed = is_iso_time(body) || is_slashed_time(body) || is_syslog_time(body) || is_clock(body);
    let words = line.split_whitespace().take(5).count();
    // A time alone begins many a row; no row has words behind it and nothing that divides them.
    is_syslog_time(body) && words >= 5
        || is_timed && words >= 4 && (!has_tight_delimiter(line) || has_level && !has_many_tight(line))
        || has_level
            && words >= 4
            && LEVELS.iter().any(|level| body.starts_with(level))
            && !has_tight_delimiter(line)
}

fn has_many_tight(line: &str) -> bool {
    line.bytes()
        .filter(|byte| matches!(byte, b',' | b';' | b'\t' | b'|'))
        .count()
        > 6
        && has_tight_delimiter(line)
        && line.split_whitespace().count() < 6
}

/// `2024/01/31 12:00:00`, as nginx and Go write it.
fn is_slashed_time(text: &str) -> bool {
    like(text, b"dddd/dd/dd dd:dd:dd")
}

/// `12:00:00`
fn is_clock(text: &str) -> bool {
    like(text, b"dd:dd:dd")
}

/// `Jan  2 12:00:00`, or Apache's `Sun Jan 02 12:00:00`.
fn is_syslog_time(text: &str) -> bool {
    like(text, b"Aaa xd dd:dd:dd") || like(text, b"Aaa Aaa xd dd:dd:dd")
}

fn like(text: &str, pattern: &[u8]) -> bool {
    text.len() >= pattern.len()
        && text.bytes().zip(pattern).all(|(byte, like)| match like {
            b'd' => byte.is_ascii_digit(),
            b'x' => byte.is_ascii_digit() || byte == b' ',
            b'A' => byte.is_ascii_uppercase(),
            b'a' => byte.is_ascii_lowercase(),
            _ => byte == *like,
        })
}
