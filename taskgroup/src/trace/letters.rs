//! Names and messages of others, made fit to be shown: in one line, as wide as there is room.
//!
//! Before: `words.rs`. After: `scale.rs`.

/// In one line: control characters as the pictures that Unicode has of them, and what would change the direction of
/// the text around it as a question mark in a diamond.
pub(crate) fn in_one_line(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            '\0'..='\x1f' => char::from_u32('\u{2400}' as u32 + char as u32).unwrap_or('\u{fffd}'),
            '\x7f' => '\u{2421}',
            '\u{2028}' | '\u{2029}' => '\u{2424}',
            '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            _ => char,
        })
        .collect()
}

/// Columns of a terminal: two for what East Asia writes and for pictures, none for what joins the letter before.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

fn columns_of(char: char) -> usize {
    match char as u32 {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x65f | 0x1ab0..=0x1aff => 0,
        0x200b..=0x200f | 0x2060..=0x2069 | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

fn is_right_to_left(char: char) -> bool {
    matches!(char as u32, 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x10800..=0x10fff | 0x1e800..=0x1efff)
}

/// For a terminal: in one line, cut to so many columns, and so that text from right to left stays in its place.
pub(crate) fn for_columns(text: &str, room: usize) -> String {
    let text = cut(&in_one_line(text), room, "...", columns);
    if text.chars().any(is_right_to_left) { format!("\u{2068}{text}\u{2069}") } else { text }
}

/// For a picture: in one line, cut to so many pixels.
pub(crate) fn for_pixels(text: &str, size: f64, room: f64) -> String {
    let room = (room / size * 100.0).max(0.0) as usize;
    cut(&in_one_line(text), room, "\u{2026}", hundredths)
}

/// How wide that is at most, in a usual sans-serif font of that size.
pub(crate) fn pixels(text: &str, size: f64) -> f64 {
    hundredths(text) as f64 * size / 100.0
}

/// In hundredths of the font's size; DejaVu Sans is the widest of the usual ones.
fn hundredths(text: &str) -> usize {
    let of = |char: char| match char {
        'i' | 'j' | 'l' | '\'' | '|' => 29,
        ' ' | '.' | ',' | ':' | ';' | '!' | '/' | '\\' | '-' | 'I' => 36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '"' => 43,
        'c' | 's' | 'z' | 'J' | '?' | '_' | '*' => 56,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '\u{2026}' => 100,
        'A'..='Z' | '#' | '+' | '<' | '=' | '>' | '~' => 80,
        ' '..='~' => 64,
        '\u{2400}'..='\u{2424}' => 110,
        _ => match columns_of(char) {
            0 => 0,
            1 => 75,
            _ => 110,
        },
    };
    text.chars().map(of).sum()
}

fn cut(text: &str, room: usize, mark: &str, width: fn(&str) -> usize) -> String {
    if width(text) <= room {
        return text.into();
    }
    let Some(room) = room.checked_sub(width(mark)) else { return String::new() };
    let (mut kept, mut used) = (0, 0);
    for (at, char) in text.char_indices() {
        let end = at + char.len_utf8();
        used += width(&text[at..end]);
        if used > room {
            break;
        }
        kept = end;
    }
    format!("{}{mark}", text[..kept].trim_end())
}
