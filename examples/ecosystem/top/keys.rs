//! Keys, read when there are any.

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::time::Duration;
use taskgroup::Async;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Hold,
    /// The window has another size: draw.
    Resized,
    Quit,
}

/// The terminal, to wait for.
pub(crate) struct Terminal(Async<OwnedFd>);

/// Opens the terminal once more. Standard input is shared with whoever started us, who would not like it non-blocking.
pub(crate) fn open() -> io::Result<Terminal> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    Ok(Terminal(Async::new(OwnedFd::from(terminal))?))
}

/// The next key that means something. `None`: there are no more.
pub(crate) async fn next(terminal: &Terminal) -> io::Result<Option<Key>> {
    terminal
        .0
        .read_with(|_| {
            // The bytes are read by crossterm, which makes keys of them; we only know when.
            while event::poll(Duration::ZERO)? {
                match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => {
                        if let Some(key) = meaning(key) {
                            return Ok(Some(key));
                        }
                    }
                    Event::Resize(..) => return Ok(Some(Key::Resized)),
                    _ => {}
                }
            }
            Err(ErrorKind::WouldBlock.into())
        })
        .await
}

fn meaning(key: KeyEvent) -> Option<Key> {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if is_control => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char(' ') => Key::Hold,
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
