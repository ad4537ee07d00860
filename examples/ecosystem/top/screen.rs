//! The view, drawn: on a terminal, or as plain text.

use crate::view::{Line as Row, Mood, View, number, percent, short};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row as TableRow, Table};

const TITLES: [&str; 6] = ["TASK", "POLLS/S", "BUSY", "IDLE", "DOES", "WHERE"];

/// Which columns there are on a screen so wide: what a task does goes before figures, and figures before places.
fn columns(width: u16) -> &'static [usize] {
    match width {
        0..80 => &[0, 2, 4],
        80..110 => &[0, 1, 2, 3, 4],
        _ => &[0, 1, 2, 3, 4, 5],
    }
}

pub(crate) fn draw(view: &mut View, frame: &mut Frame<'_>) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(3), Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(Paragraph::new(head_lines(view)), head);
    let room = usize::from(body.height.saturating_sub(1));
    let (rows, first, count) = view.window(room);
    draw_rows(&rows, body, frame);
    let held = if view.is_held() { "  HELD" } else { "" };
    let last = first + rows.len();
    let from = if rows.is_empty() { 0 } else { first + 1 };
    let foot_text = format!("{from}-{last} of {count}   arrows scroll   space holds   q leaves{held}");
    frame.render_widget(Paragraph::new(foot_text).style(Style::new().add_modifier(Modifier::DIM)), foot);
}

fn head_lines(view: &View) -> Vec<Line<'static>> {
    let Some(head) = view.head() else { return vec![Line::from("no answer yet")] };
    vec![
        Line::from(Span::styled(head.who, Style::new().add_modifier(Modifier::BOLD))),
        Line::from(head.what),
        Line::from(head.how.unwrap_or_default()),
    ]
}

fn draw_rows(rows: &[Row], area: Rect, frame: &mut Frame<'_>) {
    let columns = columns(area.width);
    let longest = rows.iter().map(|row| row.branches.chars().count() + row.name.chars().count()).max().unwrap_or(0);
    let tasks = longest.max(12).min(usize::from(area.width) * 2 / 5) as u16;
    let places = rows.iter().map(|row| row.place.chars().count()).max().unwrap_or(0).clamp(5, 32) as u16;
    let widths = [tasks, 7, 6, 7, 0, places].map(|width| match width {
        0 => Constraint::Fill(1),
        width => Constraint::Length(width),
    });
    let titles = columns.iter().map(|column| match column {
        1..=3 => Line::from(TITLES[*column]).right_aligned(), // as the figures below
        _ => Line::from(TITLES[*column]),
    });
    let header = TableRow::new(titles).style(Style::new().add_modifier(Modifier::BOLD));
    let cells = rows.iter().map(|row| {
        let cells = cells(row);
        TableRow::new(columns.iter().map(|column| cells[*column].clone()).collect::<Vec<_>>())
    });
    let table = Table::new(cells, columns.iter().map(|column| widths[*column])).header(header).column_spacing(1);
    frame.render_widget(table, area);
}

fn cells(row: &Row) -> [Line<'_>; 6] {
    let style = style(row.mood);
    let name = Line::from(vec![
        Span::styled(row.branches.as_str(), Style::new().add_modifier(Modifier::DIM)),
        Span::styled(row.name.as_str(), style),
    ]);
    let [polls, busy, idle] = figures(row).map(|text| Line::from(text).right_aligned());
    [name, polls, busy, idle, Line::styled(row.words.as_str(), style), Line::from(row.place.as_str())]
}

fn figures(row: &Row) -> [String; 3] {
    let text = |figure: Option<String>| figure.unwrap_or_default();
    [text(row.polls.map(number)), text(row.busy.map(percent)), text(row.idle.map(short))]
}

fn style(mood: Mood) -> Style {
    match mood {
        Mood::Group => Style::new().add_modifier(Modifier::DIM),
        Mood::Waits => Style::new(),
        Mood::Runs => Style::new().fg(Color::Green),
        Mood::NotStarted => Style::new().fg(Color::Blue),
        Mood::Cancelled => Style::new().fg(Color::Yellow),
    }
}

/// All of it as text, for pipes.
pub(crate) fn plain(view: &View) -> String {
    let Some(head) = view.head() else { return "no answer\n".into() };
    let mut text = format!("{}\n{}\n{}\n\n", head.who, head.what, head.how.unwrap_or_default());
    let rows = view.lines();
    let width = rows.iter().map(|row| row.branches.chars().count() + row.name.chars().count()).max().unwrap_or(0);
    let width = width.clamp(4, 60);
    text.push_str(&line("", "TASK", width, ["POLLS/S".into(), "BUSY".into(), "IDLE".into()], "DOES (WHERE)", ""));
    for row in &rows {
        text.push_str(&line(&row.branches, &row.name, width, figures(row), &row.words, &row.place));
    }
    text
}

fn line(branches: &str, name: &str, width: usize, figures: [String; 3], words: &str, place: &str) -> String {
    let [polls, busy, idle] = figures;
    let name = format!("{branches}{name}");
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    format!("{name:width$} {polls:>7} {busy:>6} {idle:>7} {words}{place}\n")
}
