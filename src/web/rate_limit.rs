//! How often one address may do something. Each server counts for itself, in memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::clock::Timestamp;

/// The most addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// A limit for each address: so many at once, and then evenly as many in an hour.
///
/// What is kept of an address is one moment: the one at which it has all of its
/// allowance again (the generic cell rate algorithm).
#[derive(Debug)]
pub struct RateLimit {
    at_once: u32,
    apart: Duration,
    restored: Mutex<HashMap<Network, Timestamp>>,
}

/// Whom an address belongs to, as far as it can tell: a household or a machine with IPv6
/// has a network of 64 bits, and any address in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u16; 4]),
    /// No address is known.
    Unknown,
}

impl Network {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(v4)) => Self::V4(v4.octets()),
            Some(IpAddr::V6(v6)) => Self::V6(first_64_bits(v6)),
        }
    }
}

fn first_64_bits(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

impl RateLimit {
    /// So many in an hour from one address.
    pub fn hourly(number: u32) -> Self {
        let number = number.max(1);
        Self {
            at_once: number,
            apart: Duration::from_secs(3600) / number,
            restored: Mutex::default(),
        }
    }

    /// Counts one more from an address.
    ///
    /// # Errors
    /// How long to wait, when there have been too many; then this one does not count.
    pub fn count(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let network = Network::of(address);
        let mut restored = self.restored.lock().unwrap_or_else(PoisonError::into_inner);
        let from = restored
            .get(&network)
            .map_or(now, |restored| (*restored).max(now));
        let allowance = self.apart * (self.at_once - 1);
        let ahead = from.since(now);
        if ahead > allowance {
            return Err(ahead - allowance);
        }
        if restored.len() >= ADDRESSES && !restored.contains_key(&network) {
            make_room(&mut restored, now);
        }
        restored.insert(network, from.plus(self.apart));
        Ok(())
    }
}

/// Forgets the addresses that have their whole allowance, and if these are few, a quarter
/// of all: those that have used the least of it, because the limit is for the others.
fn make_room(restored: &mut HashMap<Network, Timestamp>, now: Timestamp) {
    restored.retain(|_, at| *at > now);
    if restored.len() <= ADDRESSES - ADDRESSES / 4 {
        return;
    }
    let mut moments: Vec<_> = restored.values().copied().collect();
    let (_, kept_after, _) = moments.select_nth_unstable(ADDRESSES / 4);
    let kept_after = *kept_after;
    restored.retain(|_, at| *at > kept_after);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_780_315_200_000);
    const SECOND: Duration = Duration::from_secs(1);

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect(text))
    }

    #[test]
    fn an_address_has_its_allowance_at_once_and_then_evenly() {
        let limit = RateLimit::hourly(4);
        let one = address("192.0.2.1");
        for _ in 0..4 {
            assert_eq!(limit.count(one, NOON), Ok(()));
        }
        assert_eq!(limit.count(one, NOON), Err(900 * SECOND));
        assert_eq!(limit.count(one, NOON.plus(300 * SECOND)), Err(600 * SECOND));
        assert_eq!(limit.count(one, NOON.plus(900 * SECOND)), Ok(()));
        assert_eq!(limit.count(one, NOON.plus(900 * SECOND)), Err(900 * SECOND));
        let later = NOON.plus(5 * 3600 * SECOND);
        for _ in 0..4 {
            assert_eq!(limit.count(one, later), Ok(()));
        }
        assert!(limit.count(one, later).is_err());
    }

    #[test]
    fn addresses_do_not_share_an_allowance_but_those_of_one_network_do() {
        let limit = RateLimit::hourly(1);
        for text in [
            "192.0.2.1",
            "192.0.2.2",
            "2001:db8:0:1::1",
            "2001:db8:0:2::1",
        ] {
            assert_eq!(limit.count(address(text), NOON), Ok(()), "{text}");
        }
        assert_eq!(limit.count(None, NOON), Ok(()));
        for text in ["192.0.2.1", "::ffff:192.0.2.2", "2001:db8:0:1:ffff::2"] {
            assert!(limit.count(address(text), NOON).is_err(), "{text}");
        }
        assert!(limit.count(None, NOON).is_err());
    }

    #[test]
    fn memory_has_a_bound_and_the_busiest_are_remembered() {
        let limit = RateLimit::hourly(2);
        let busy = address("192.0.2.1");
        limit.count(busy, NOON).unwrap();
        limit.count(busy, NOON).unwrap();
        for number in 0..3 * ADDRESSES as u32 {
            let other = Ipv6Addr::from(u128::from(number) << 64 | 0x2001 << 112);
            let now = NOON.plus(Duration::from_millis(number.into()));
            limit.count(Some(other.into()), now).unwrap();
            assert!(limit.restored.lock().unwrap().len() <= ADDRESSES);
        }
        let soon = NOON.plus(40 * SECOND);
        assert!(limit.count(busy, soon).is_err());
    }
}
