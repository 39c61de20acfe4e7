//! The Model Context Protocol over HTTP, without the HTTP: what one POST means
//! and what to answer, for a server that only offers tools and keeps no session.
//!
//! Two eras share the endpoint, and each request says which it speaks. Since
//! revision 2026-07-28 a request stands alone: `_meta` names the revision and
//! the client's capabilities, and headers repeat what a gateway routes by.
//! Before it, a client shook hands with `initialize`; as nothing is remembered
//! between requests, the handshake is answered and forgotten. Rules:
//! `basic/transports/streamable-http`, `basic/versioning` and `server/tools` of
//! the 2026-07-28 specification, `basic/transports` and `basic/lifecycle` of
//! 2025-11-25. JSON-RPC batches, which only 2025-03-26 knew, are refused, as
//! the official SDKs do.
//!
//! The caller checks `Origin`, the token and the size of the body, and answers
//! GET and DELETE with 405. No tool may carry `x-mcp-header` in its schema: the
//! headers that it asks for are not compared here.

use actix_web::http::header::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

const NEWEST_HANDSHAKE: &str = "2025-11-25";
const REVISIONS: [(&str, Era); 5] = [
    ("2026-07-28", Era::Stateless),
    (NEWEST_HANDSHAKE, Era::Handshake),
    ("2025-06-18", Era::Handshake),
    ("2025-03-26", Era::Handshake),
    ("2024-11-05", Era::Handshake),
];

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What the server says of itself in `initialize` and `server/discover`.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Its name, for programs.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// How a model should use the tools together; not what each one does.
    pub instructions: &'static str,
    /// The `tools` array, the same for every caller and in the same order.
    pub tools: fn() -> Value,
}

/// What to do with one POST.
#[derive(Debug)]
pub enum Incoming {
    /// Send this as `application/json`, or an empty response when there is no body.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON-RPC response, where one is owed.
        body: Option<Value>,
    },
    /// Run the tool and send what one of the call's methods makes of it, with status 200.
    Call(ToolCall),
}

/// A request to run one tool. Its methods make the one response it is owed.
#[derive(Debug)]
pub struct ToolCall {
    /// Which tool.
    pub name: String,
    /// Always an object; whether it fits the tool's schema is for the tool to say.
    pub arguments: Value,
    reply: Reply,
}

impl ToolCall {
    /// The tool's result, an object, for programs and as text for older models.
    pub fn succeed(self, structured: Value) -> Value {
        self.reply.result(json!({
            "content": [{ "type": "text", "text": structured.to_string() }],
            "structuredContent": structured,
            "isError": false,
        }))
    }

    /// The tool ran and failed, or its arguments were wrong: the model reads
    /// the message and may try again.
    pub fn fail(self, message: &str) -> Value {
        self.reply.result(json!({
            "content": [{ "type": "text", "text": message }],
            "isError": true,
        }))
    }

    /// No tool has this name: an error of the protocol, not of a tool.
    pub fn unknown_tool(self) -> Value {
        Refusal::UnknownTool(self.name).body(self.reply.id)
    }
}

/// Reads one POST.
pub fn receive(server: &Server, headers: &HeaderMap, body: &[u8]) -> Incoming {
    let message = match check_media_types(headers).and_then(|()| Message::parse(body)) {
        Ok(message) => message,
        // The id may be what could not be read, so it is null.
        Err(refusal) => return refusal.answer(Value::Null),
    };
    let id = message.id.clone().unwrap_or_default();
    message
        .serve(server, headers)
        .unwrap_or_else(|refusal| refusal.answer(id))
}

/// How requests of a revision are to be read and their results shaped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Era {
    Handshake,
    Stateless,
}

/// A JSON-RPC request, or a notification when it has no id.
struct Message {
    id: Option<Value>,
    method: String,
    params: Map<String, Value>,
}

impl Message {
    // By hand, because a derived `Deserialize` would also read a struct from an array.
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let Value::Object(mut fields) =
            serde_json::from_slice(body).map_err(|_| Refusal::NotJson)?
        else {
            return Err(Refusal::NotAMessage("send one message, not a batch"));
        };
        if fields.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(Refusal::NotAMessage("jsonrpc must be \"2.0\""));
        }
        let Some(Value::String(method)) = fields.remove("method") else {
            return Err(Refusal::NotAMessage("method must be text"));
        };
        let id = fields.remove("id");
        // A number outside 64 bits became a float when read and could not be echoed.
        let echoes = |id: &Value| id.is_string() || id.is_i64() || id.is_u64();
        if !id.as_ref().is_none_or(echoes) {
            return Err(Refusal::NotAMessage("id must be text or an integer"));
        }
        let params = match fields.remove("params") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(Refusal::NotAMessage("params must be an object")),
        };
        Ok(Self { id, method, params })
    }

    fn meta(&self, key: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(key)
    }

    /// The era of the revision that the request names, in its body and its header alike.
    fn era(&self, headers: &HeaderMap) -> Result<Era, Refusal> {
        let named = match (self.meta(VERSION), header(headers, "mcp-protocol-version")) {
            // Revisions before 2025-06-18 had no such header.
            (None, None) => return Ok(Era::Handshake),
            (None, Some(named)) => named,
            (Some(Value::String(claimed)), Some(named)) if *claimed == named => named,
            (Some(Value::String(_)), _) => {
                return Err(Refusal::HeaderMismatch("MCP-Protocol-Version"));
            }
            (Some(_), _) => return Err(Refusal::NoMeta(VERSION)),
        };
        match REVISIONS.iter().find(|(revision, _)| *revision == named) {
            Some((_, era)) => Ok(*era),
            None => Err(Refusal::UnsupportedRevision(named)),
        }
    }

    /// What every stateless request must carry. A gateway may have routed or
    /// allowed it by its headers, so they must not differ from the body.
    fn check_stateless(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.meta(VERSION).is_none() {
            return Err(Refusal::NoMeta(VERSION));
        }
        if !self.meta(CAPABILITIES).is_some_and(Value::is_object) {
            return Err(Refusal::NoMeta(CAPABILITIES));
        }
        if header(headers, "mcp-method").as_ref() != Some(&self.method) {
            return Err(Refusal::HeaderMismatch("Mcp-Method"));
        }
        if self.method == "tools/call"
            && let Some(Value::String(name)) = self.params.get("name")
            && header(headers, "mcp-name").and_then(decoded).as_ref() != Some(name)
        {
            return Err(Refusal::HeaderMismatch("Mcp-Name"));
        }
        Ok(())
    }

    fn serve(mut self, server: &Server, headers: &HeaderMap) -> Result<Incoming, Refusal> {
        let era = self.era(headers)?;
        let Some(id) = self.id.take() else {
            // A notification: none asks anything of a server without sessions.
            return Ok(Incoming::Answer {
                status: 202,
                body: None,
            });
        };
        if era == Era::Stateless {
            self.check_stateless(headers)?;
        }
        let server = *server;
        let reply = Reply { id, era, server };
        let result = match (era, self.method.as_str()) {
            (Era::Handshake, "initialize") => self.initialize(&server)?,
            (Era::Handshake, "ping") => json!({}),
            (Era::Stateless, "server/discover") => json!({
                "supportedVersions": REVISIONS.map(|(revision, _)| revision),
                "capabilities": { "tools": {} },
                "instructions": server.instructions,
                "ttlMs": 300_000,
                "cacheScope": "private",
            }),
            // Everything fits one page, so no cursor was ever given out.
            (_, "tools/list") if self.params.get("cursor").is_some_and(|it| !it.is_null()) => {
                return Err(Refusal::BadParams("unknown cursor"));
            }
            (_, "tools/list") => json!({
                "tools": (server.tools)(),
                "ttlMs": 300_000,
                "cacheScope": "private",
            }),
            (_, "tools/call") => return self.call(reply).map(Incoming::Call),
            _ => return Err(Refusal::UnknownMethod(self.method, era)),
        };
        Ok(Incoming::Answer {
            status: 200,
            body: Some(reply.result(result)),
        })
    }

    /// The server's side of the handshake.
    fn initialize(&self, server: &Server) -> Result<Value, Refusal> {
        let Some(Value::String(asked)) = self.params.get("protocolVersion") else {
            return Err(Refusal::BadParams("protocolVersion must be text"));
        };
        let known = REVISIONS.contains(&(asked.as_str(), Era::Handshake));
        Ok(json!({
            "protocolVersion": if known { asked } else { NEWEST_HANDSHAKE },
            "capabilities": { "tools": {} },
            "serverInfo": { "name": server.name, "version": server.version },
            "instructions": server.instructions,
        }))
    }

    /// The tool that is called, with its arguments.
    fn call(mut self, reply: Reply) -> Result<ToolCall, Refusal> {
        let Some(Value::String(name)) = self.params.remove("name") else {
            return Err(Refusal::BadParams("name must be text"));
        };
        let arguments = match self.params.remove("arguments") {
            None | Some(Value::Null) => json!({}),
            Some(arguments @ Value::Object(_)) => arguments,
            Some(_) => return Err(Refusal::BadParams("arguments must be an object")),
        };
        Ok(ToolCall {
            name,
            arguments,
            reply,
        })
    }
}

/// The response that a request is owed.
#[derive(Debug)]
struct Reply {
    id: Value,
    era: Era,
    server: Server,
}

impl Reply {
    fn result(self, mut result: Value) -> Value {
        if self.era == Era::Stateless {
            let Server { name, version, .. } = self.server;
            result["resultType"] = json!("complete");
            result["_meta"] = json!({ SERVER_INFO: { "name": name, "version": version } });
        }
        json!({ "jsonrpc": "2.0", "id": self.id, "result": result })
    }
}

/// Why a message is not served.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("Content-Type must be application/json")]
    WrongContentType,
    #[error("Accept must allow application/json")]
    NotAcceptable,
    #[error("the body is not JSON")]
    NotJson,
    #[error("not a JSON-RPC request or notification: {0}")]
    NotAMessage(&'static str),
    #[error("params._meta must carry {0}")]
    NoMeta(&'static str),
    #[error("the {0} header is missing or differs from the body")]
    HeaderMismatch(&'static str),
    #[error("unsupported protocol version")]
    UnsupportedRevision(String),
    #[error("method not found: {0}")]
    UnknownMethod(String, Era),
    #[error("invalid params: {0}")]
    BadParams(&'static str),
    #[error("unknown tool: {0}")]
    UnknownTool(String),
}

impl Refusal {
    fn code(&self) -> i32 {
        match self {
            Self::NotJson => -32700,
            Self::WrongContentType | Self::NotAcceptable | Self::NotAMessage(_) => -32600,
            Self::UnknownMethod(..) => -32601,
            Self::NoMeta(_) | Self::BadParams(_) | Self::UnknownTool(_) => -32602,
            Self::HeaderMismatch(_) => -32020,
            Self::UnsupportedRevision(_) => -32022,
        }
    }

    fn status(&self) -> u16 {
        match self {
            Self::WrongContentType => 415,
            Self::NotAcceptable => 406,
            Self::UnknownMethod(_, Era::Stateless) => 404,
            // Clients of the handshake era may not look for an error in a 4xx,
            // and take 404 for the loss of their session.
            Self::UnknownMethod(_, Era::Handshake) => 200,
            Self::BadParams(_) | Self::UnknownTool(_) => 200,
            _ => 400,
        }
    }

    fn body(&self, id: Value) -> Value {
        let mut error = json!({ "code": self.code(), "message": self.to_string() });
        if let Self::UnsupportedRevision(requested) = self {
            let supported = REVISIONS.map(|(revision, _)| revision);
            error["data"] = json!({ "supported": supported, "requested": requested });
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }

    fn answer(&self, id: Value) -> Incoming {
        Incoming::Answer {
            status: self.status(),
            body: Some(self.body(id)),
        }
    }
}

/// Browsers send `application/json` across origins only after a preflight, so
/// other types are refused even when the body would parse.
fn check_media_types(headers: &HeaderMap) -> Result<(), Refusal> {
    let is = |media: &str, wanted: &str| {
        let (essence, _parameters) = media.split_once(';').unwrap_or((media, ""));
        essence.trim().eq_ignore_ascii_case(wanted)
    };
    if !header(headers, "content-type").is_some_and(|it| is(&it, "application/json")) {
        return Err(Refusal::WrongContentType);
    }
    let ranges = ["application/json", "application/*", "*/*"];
    let fits = |media: &str| ranges.iter().any(|range| is(media, range));
    // No Accept means anything will do (RFC 9110 §12.5.1).
    if header(headers, "accept").is_some_and(|it| !it.split(',').any(fits)) {
        return Err(Refusal::NotAcceptable);
    }
    Ok(())
}

/// The header's lines joined (RFC 9110 §5.3). A routing header sent twice thus
/// equals nothing in the body, whichever copy a gateway went by.
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers
        .get_all(name)
        .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    lines.reduce(|joined, line| format!("{joined}, {line}"))
}

/// A header value that may be wrapped as `=?base64?…?=` for being unfit for a header.
fn decoded(value: String) -> Option<String> {
    let wrapped = value.strip_prefix("=?base64?");
    match wrapped.and_then(|it| it.strip_suffix("?=")) {
        Some(wrapped) => String::from_utf8(STANDARD.decode(wrapped).ok()?).ok(),
        None => Some(value),
    }
}

#[cfg(test)]
mod tests;
