//! Settings about clients that nobody of the organization made.

use crate::domain::{document::Host, scheme::PrivateSchemes};

use super::{ClientDocuments, MAX_DAYS, RawSettings, Reader, values};

/// What is said of a list of hosts that nothing looks at.
const UNUSED_LIST: &str = "it only counts with UNTETHER_CLIENT_DOCUMENTS=list; set that, or \
                           leave the hosts out";

/// After how many days an unused client is removed unless a setting says otherwise.
const UNUSED_DAYS: u32 = 30;

impl RawSettings {
    pub(super) fn client_documents(&self, r: &mut Reader) -> ClientDocuments {
        let hosts_given = &self.client_document_hosts;
        let hosts = r.read_list("client_document_hosts", hosts_given, Host::parse);
        if hosts_given.is_some() && self.client_documents.as_deref() != Some("list") {
            let origin = r.origin("client_document_hosts");
            r.problems.push(format!("{origin}: {UNUSED_LIST}"));
        }
        r.read("client_documents", &self.client_documents, |text| {
            values::client_documents(text, hosts)
        })
        .unwrap_or(ClientDocuments::Any)
    }

    pub(super) fn redirect_schemes(&self, r: &mut Reader) -> PrivateSchemes {
        match self.redirect_schemes.as_deref() {
            None => PrivateSchemes::default(),
            Some("none") => PrivateSchemes::none(),
            Some(_) => {
                let given = &self.redirect_schemes;
                PrivateSchemes::of(r.read_list("redirect_schemes", given, PrivateSchemes::parse))
            }
        }
    }

    pub(super) fn unused_client_days(&self, r: &mut Reader) -> Option<u32> {
        match self.unused_client_days.as_deref() {
            Some("never") => None,
            _ => {
                let days = r.read("unused_client_days", &self.unused_client_days, |text| {
                    values::number(text, 1, MAX_DAYS).map_err(|error| format!("{error}, nor never"))
                });
                Some(days.unwrap_or(UNUSED_DAYS))
            }
        }
    }
}
