//! Texts as QR codes.

use qrcodegen::{QrCode, QrCodeEcc};

use crate::view::Qr;

/// What is left free around a code, in squares: without that no camera finds it.
const MARGIN: i32 = 4;

/// A text as a QR code; none where it is too long for one.
pub(crate) fn qr(text: &str) -> Option<Qr> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let dark =
        |x: i32, y: i32| code.get_module(x, y).then(|| format!("M{} {}h1v1h-1z", x + MARGIN, y + MARGIN));
    let squares = (0..code.size()).flat_map(|y| (0..code.size()).filter_map(move |x| dark(x, y)));
    Some(Qr { size: u32::try_from(code.size() + 2 * MARGIN).ok()?, path: squares.collect() })
}

/// A text as a QR code for a terminal, two rows in each line, the light squares drawn; none where it is too long for one.
pub fn qr_lines(text: &str) -> Option<Vec<String>> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let whole = (-MARGIN..code.size() + MARGIN).step_by(2);
    let square = |x: i32, y: i32| match (code.get_module(x, y), code.get_module(x, y + 1)) {
        (false, false) => '█',
        (false, true) => '▀',
        (true, false) => '▄',
        (true, true) => ' ',
    };
    Some(whole.map(|y| (-MARGIN..code.size() + MARGIN).map(|x| square(x, y)).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_with_room_around_it_and_what_is_too_long_has_none() {
        let Qr { size, path } = qr("mimi://home.example").unwrap();
        assert_eq!(size, 25 + 8);
        // The corner of the first of the three large squares by which a camera finds it.
        assert!(path.starts_with("M4 4h1v1h-1z"), "{path}");
        let lines = qr_lines("mimi://home.example").unwrap();
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(qr(&"x".repeat(5000)).is_none());
    }
}
