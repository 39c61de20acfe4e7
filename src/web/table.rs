//! Rows as a file, a batch at a time: CSV (RFC 4180) or a JSON array.

use std::io;

use actix_web::web::Bytes;
use serde::{Serialize, Serializer};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values with a header row.
    Csv,
    /// An array of objects.
    Json,
}

impl Format {
    /// What the file's name ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

/// A row: a value for each column, or none.
pub type Row<const N: usize> = [Option<String>; N];

/// A file that grows.
#[derive(Clone, Debug)]
pub struct Table<const N: usize> {
    format: Format,
    columns: &'static [&'static str; N],
    begun: bool,
    has_rows: bool,
}

impl<const N: usize> Table<N> {
    /// An empty file with these columns.
    pub const fn new(format: Format, columns: &'static [&'static str; N]) -> Self {
        Self {
            format,
            columns,
            begun: false,
            has_rows: false,
        }
    }

    /// The bytes of these rows, after those that came before; with `last`, also
    /// the end of the file.
    ///
    /// # Errors
    /// When a row cannot be written.
    pub fn add(&mut self, rows: &[Row<N>], last: bool) -> io::Result<Bytes> {
        let first = !std::mem::replace(&mut self.begun, true);
        let bytes = match self.format {
            Format::Csv => self.csv(rows, first)?,
            Format::Json => self.json(rows, first, last)?,
        };
        Ok(bytes.into())
    }

    fn csv(&self, rows: &[Row<N>], first: bool) -> io::Result<Vec<u8>> {
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        if first {
            csv.write_record(self.columns)?;
        }
        for row in rows {
            csv.write_record(row.iter().map(|cell| inert(cell.as_deref().unwrap_or(""))))?;
        }
        csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }

    fn json(&mut self, rows: &[Row<N>], first: bool, last: bool) -> io::Result<Vec<u8>> {
        let mut json = Vec::new();
        if first {
            json.push(b'[');
        }
        for row in rows {
            let comma = std::mem::replace(&mut self.has_rows, true);
            json.extend_from_slice(if comma { b",\n" } else { b"\n" });
            serde_json::to_writer(&mut json, &Object(self.columns, row))?;
        }
        if last {
            json.extend_from_slice(b"\n]\n");
        }
        Ok(json)
    }
}

/// A cell that no spreadsheet takes for a formula: an apostrophe goes before what could begin
/// one, also where a spreadsheet that separates cells by semicolons or tabs would begin another.
fn inert(cell: &str) -> String {
    const BEGIN: [char; 8] = [
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    const SEPARATE: [char; 4] = [';', '\t', '\r', '\n'];
    let mut inert = String::with_capacity(cell.len() + 1);
    if cell.starts_with(['\t', '\r', '\n']) {
        inert.push('\'');
    }
    let mut begins = true;
    for letter in cell.chars() {
        if begins && BEGIN.contains(&letter) {
            inert.push('\'');
        }
        inert.push(letter);
        begins = SEPARATE.contains(&letter);
    }
    inert
}

/// A row with the names of its columns, in their order.
struct Object<'a, const N: usize>(&'a [&'static str; N], &'a Row<N>);

impl<const N: usize> Serialize for Object<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 2] = ["name", "note"];

    fn file(format: Format, batches: &[&[Row<2>]]) -> String {
        let mut table = Table::new(format, &COLUMNS);
        let mut bytes = Vec::new();
        for (number, rows) in batches.iter().enumerate() {
            bytes.extend(table.add(rows, number + 1 == batches.len()).unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    fn row(name: &str, note: Option<&str>) -> Row<2> {
        [Some(name.to_owned()), note.map(str::to_owned)]
    }

    #[test]
    fn a_csv_file_quotes_what_rfc_4180_says() {
        let rows = [row("a,b", None), row("say \"hi\"", Some("two\r\nlines"))];
        assert_eq!(
            file(Format::Csv, &[&rows[..1], &rows[1..]]),
            "name,note\r\n\"a,b\",\r\n\"say \"\"hi\"\"\",\"two\r\nlines\"\r\n"
        );
        assert_eq!(file(Format::Csv, &[&[]]), "name,note\r\n");
    }

    #[test]
    fn no_cell_of_a_csv_file_begins_a_formula() {
        for start in ["=", "+", "-", "@", "\u{ff1d}", "\t", "\r", "\n"] {
            let evil = format!("{start}cmd|' /C calc'!A0");
            let text = file(Format::Csv, &[&[row(&evil, Some("a=b"))]]);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let record = reader.records().next().unwrap().unwrap();
            assert_eq!(&record[0], format!("'{evil}"));
            assert_eq!(&record[1], "a=b");
            let text = file(Format::Csv, &[&[row(&format!("a;{evil}"), None)]]);
            assert!(
                !text.contains(&format!(";{start}")) || start.trim().is_empty(),
                "{text}"
            );
            let json: serde_json::Value =
                serde_json::from_str(&file(Format::Json, &[&[row(&evil, None)]])).unwrap();
            assert_eq!(json[0]["name"], evil, "JSON is read by programs");
        }
    }

    #[test]
    fn a_json_file_is_one_array_however_many_batches_it_came_in() {
        let rows = [row("a", None), row("ü\u{1F600}\n", Some("\""))];
        let expected = serde_json::json!([
            { "name": "a", "note": null },
            { "name": "ü\u{1F600}\n", "note": "\"" },
        ]);
        for batches in [vec![&rows[..]], vec![&rows[..1], &rows[1..], &[]]] {
            let text = file(Format::Json, &batches);
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&text).unwrap(),
                expected
            );
        }
        assert_eq!(file(Format::Json, &[&[]]), "[\n]\n");
        assert_eq!(
            file(Format::Json, &[&[], &rows[..1]]),
            "[\n{\"name\":\"a\",\"note\":null}\n]\n"
        );
    }
}
