//! The MCP server of a project, asked as a client asks it.

use crate::{
    config::PublicUrl,
    domain::{project::Project, resource::WebAddress},
    outbound::probe::Probe,
};

use super::{Finding, challenge, document};

/// Asks the server for its 401 and its metadata, and says what is wrong with them.
pub async fn check(probe: &Probe, project: &Project, public: &PublicUrl) -> Vec<Finding> {
    let url = project.resource.as_str();
    let Ok(address) = WebAddress::parse(url) else {
        return vec![Finding::problem(
            format!("{url} is no address that can be asked."),
            "Register the project with the address that clients use.",
        )];
    };
    if address.is_loopback() && !public.is_loopback() {
        return vec![Finding::warning(
            format!(
                "{url} is on whichever machine a client runs, so it cannot be asked from here."
            ),
            "If people do not run this server themselves, register the project with the address \
             that clients use.",
        )];
    }
    let mut findings = Vec::new();
    let site = probe.at(&address);
    if let Some(metadata) = challenge::check(&site, project, &mut findings).await {
        document::check(&site, project, public, &metadata, &mut findings).await;
    }
    findings
}
