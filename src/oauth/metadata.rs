//! What the server says of itself (RFC 8414), at the path-inserted address.

use actix_web::{HttpResponse, http::header, web::Data};
use serde_json::{Value, json};

use crate::{
    config::{ClientDocuments, Registration},
    web::state::App,
};

/// `GET /.well-known/oauth-authorization-server/oauth`.
pub async fn show(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(document(&app))
}

fn document(app: &App) -> Value {
    let public = &app.settings.public_url;
    let with_secret = ["client_secret_basic", "client_secret_post"];
    let with_or_without = ["none", "client_secret_basic", "client_secret_post"];
    let mut document = json!({
        "issuer": public.issuer(),
        "authorization_endpoint": public.join("/oauth/authorize"),
        "token_endpoint": public.join("/oauth/token"),
        "revocation_endpoint": public.join("/oauth/revoke"),
        "introspection_endpoint": public.join("/oauth/introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": with_or_without,
        "revocation_endpoint_auth_methods_supported": with_or_without,
        "introspection_endpoint_auth_methods_supported": with_secret,
        "authorization_response_iss_parameter_supported": true,
        // No scopes_supported: each project's scopes stand in the metadata of its own MCP
        // server, and clients would ask for all of a list.
    });
    if app.settings.registration == Registration::Open {
        document["registration_endpoint"] = public.join("/oauth/register").into();
    }
    if app.settings.client_documents != ClientDocuments::Off {
        document["client_id_metadata_document_supported"] = true.into();
    }
    document
}

/// Any other well-known address: JSON, because clients parse what they get.
pub async fn unknown() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "error": "not_found" }))
}
