//! `untether health`: for health checks in containers, which have no shell.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Failure;

const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the server that listens on this address whether it is ready.
///
/// # Errors
/// When it is not, or does not answer in time.
pub async fn run(listen: SocketAddr) -> Result<(), Failure> {
    let address = SocketAddr::new(reachable(listen.ip()), listen.port());
    let answer = timeout(PATIENCE, ask(address)).await;
    let answer = answer.map_err(|_| Failure::new(format!("{address} did not answer in time")))?;
    let answer = answer.map_err(|error| Failure::new(format!("{address}: {error}")))?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(Failure::new(format!("{address} is not ready")))
    }
}

/// Where to reach a server that listens on every address.
fn reachable(listen: IpAddr) -> IpAddr {
    match listen {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}
