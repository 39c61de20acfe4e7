//! The tools that Untether's own MCP server offers.

use serde_json::{Value, json};

use crate::{
    clock::Timestamp,
    domain::{connection::Status, role::Principal},
    store::{
        connection_filter::{Filter, Statuses},
        connection_list::{self, Listed, Order, Place},
    },
    web::{problem::Problem, state::App},
};

use super::protocol::ToolCall;

/// The most connections one call lists.
const LIMIT: u32 = 100;

/// What the tools are, for `tools/list`.
pub fn descriptions() -> Value {
    let read_only = json!({ "readOnlyHint": true, "openWorldHint": false });
    json!([
        {
            "name": "whoami",
            "title": "Who am I?",
            "description": "The person you act for, and their role in the organization.",
            "inputSchema": { "type": "object", "properties": {}, "additionalProperties": false },
            "annotations": read_only,
        },
        {
            "name": "list_connections",
            "title": "List connections",
            "description": "The connections of MCP clients that the person may see, newest first, \
                            at most 100.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "status": {
                        "type": "string",
                        "enum": ["active", "expired", "revoked"],
                        "description": "Only connections with this status.",
                    },
                },
                "additionalProperties": false,
            },
            "annotations": read_only,
        },
    ])
}

/// Runs a tool for this person and returns the answer.
///
/// # Errors
/// When the database failed.
pub async fn run(app: &App, principal: &Principal, call: ToolCall) -> Result<Value, Problem> {
    match call.name.as_str() {
        "whoami" => Ok(call.succeed(json!({
            "name": principal.identity.name,
            "email": principal.identity.email,
            "role": principal.role_word(),
            "organization": app.settings.organization,
        }))),
        "list_connections" => match statuses(&call.arguments) {
            Ok(statuses) => Ok(call.succeed(list(app, principal, statuses).await?)),
            Err(message) => Ok(call.fail(message)),
        },
        _ => Ok(call.unknown_tool()),
    }
}

fn statuses(arguments: &Value) -> Result<Statuses, &'static str> {
    match arguments.get("status").map(Value::as_str) {
        None => Ok(Statuses::ALL),
        Some(Some("active")) => Ok(Statuses::ACTIVE),
        Some(Some("expired")) => Ok(Statuses::EXPIRED),
        Some(Some("revoked")) => Ok(Statuses::REVOKED),
        Some(_) => Err("status must be active, expired or revoked"),
    }
}

async fn list(app: &App, principal: &Principal, statuses: Statuses) -> Result<Value, Problem> {
    let now = app.clock.now();
    let filter = Filter {
        statuses,
        ..Filter::all(principal.sees(), app.rules.lifetimes.cutoffs(now))
    };
    let mut tx = app.db.read().await?;
    let rows = connection_list::page(&mut tx, &filter, Order::NEWEST, &Place::Start, LIMIT).await?;
    let connections: Vec<_> = rows.iter().map(|row| describe(app, row, now)).collect();
    Ok(json!({ "connections": connections }))
}

fn describe(app: &App, row: &Listed, now: Timestamp) -> Value {
    let status = match row.life.status(&app.rules.lifetimes, now) {
        Status::Active { .. } => "active",
        Status::Expired { .. } => "expired",
        Status::Revoked(_) => "revoked",
    };
    json!({
        "name": row.name,
        "client": row.client_name,
        "project": row.project_name,
        "connected_by": row.person_email,
        "authorized_at": row.life.authorized_at.seconds(),
        "last_used_at": row.connected_at.map(|_| row.life.last_used_at.seconds()),
        "status": status,
    })
}
