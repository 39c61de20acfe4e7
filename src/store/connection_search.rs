//! Where a search term stands: in a connection's own name, or in those of its
//! client and person.

use sqlx::{Encode, QueryBuilder, Type};

use super::connection_filter::{Engine, Filter, folded};

/// Pushes the condition that the text stands somewhere in the connection.
pub(super) fn push_text<D: Engine>(query: &mut QueryBuilder<D>, filter: &Filter)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let Some(text) = &filter.text else {
        return;
    };
    if filter.plan.unwrap_or_default().few_by_text {
        query.push(" AND connection.id IN (");
        push_found(query, text);
        query.push(")");
        return;
    }
    let pattern = pattern(text);
    query.push(" AND (connection.folded LIKE ");
    query.push_bind(pattern.clone());
    query.push(r" ESCAPE '\' OR connection.client_id IN (SELECT client.id FROM client WHERE client.folded LIKE ");
    query.push_bind(pattern.clone());
    query.push(r" ESCAPE '\') OR connection.person_id IN (SELECT people.id FROM people WHERE people.folded LIKE ");
    query.push_bind(pattern);
    query.push(r" ESCAPE '\'))");
}

/// The ids, some more than once, of the connections where the text stands.
/// Clients, people and the parts of names are few, and each of them is looked at.
pub(super) fn push_found<D: Engine>(query: &mut QueryBuilder<D>, text: &str)
where
    for<'q> String: Encode<'q, D> + Type<D>,
{
    let pattern = pattern(text);
    for (begin, column, own) in [
        ("SELECT", "client_id", "SELECT id FROM client WHERE folded"),
        (
            " UNION ALL SELECT",
            "person_id",
            "SELECT id FROM people WHERE folded",
        ),
        (
            " UNION ALL SELECT",
            "stem",
            "SELECT text FROM connection_stem WHERE text",
        ),
        (
            " UNION ALL SELECT",
            "label",
            "SELECT text FROM connection_label WHERE text",
        ),
    ] {
        query.push(begin).push(" id FROM connection WHERE ");
        query.push(column).push(" IN (").push(own).push(" LIKE ");
        query.push_bind(pattern.clone()).push(r" ESCAPE '\')");
    }
    // A term with a # also stands where the end of the one part and the
    // beginning of the other meet; a name without one is its stem.
    if let Some((end, beginning)) = pattern.rsplit_once('#') {
        query.push(
            " UNION ALL SELECT id FROM connection
            WHERE folded <> stem AND stem IN (SELECT text FROM connection_stem WHERE text LIKE ",
        );
        query.push_bind(end.to_owned());
        query.push(
            r" ESCAPE '\')
              AND label IN (SELECT text FROM connection_label WHERE text LIKE ",
        );
        query.push_bind(beginning.to_owned()).push(r" ESCAPE '\')");
    }
}

/// The `LIKE` pattern that finds `text` anywhere in folded text.
pub(super) fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in folded(&[text]).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_found_as_typed_and_in_any_case() {
        assert_eq!(pattern("Élan 50%_\\"), r"%élan 50\%\_\\%");
    }
}
