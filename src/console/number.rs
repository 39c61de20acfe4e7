//! Numbers in words.

/// A number with its thousands apart: `12,000`.
pub fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    match number {
        ..0 => format!("-{text}"),
        _ => text,
    }
}

/// So many connections: `1 connection`, `12,000 connections`.
pub fn connections(number: impl Into<i128>) -> String {
    match number.into() {
        1 => "1 connection".to_owned(),
        number => format!("{} connections", grouped(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
            (-1_000, "-1,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(connections(1), "1 connection");
        assert_eq!(connections(100_000), "100,000 connections");
    }
}
