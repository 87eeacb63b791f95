//! As much HTTP as it takes to read a health or metrics page.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::TcpListener;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(5);

/// Status code and body of a page on this machine.
///
/// # Errors
/// When nobody answers, or not in HTTP.
pub async fn get(port: u16, path: &str) -> Result<(u16, String), String> {
    let answer = timeout(PATIENCE, exchange(port, path))
        .await
        .map_err(|_| format!("{path}: no answer within {PATIENCE:?}"))?
        .map_err(|e| format!("{path}: {e}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("{path}: not HTTP: {answer:?}"))?;
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| format!("{path}: no status in {head:?}"))?;
    Ok((status, body.to_owned()))
}

// HTTP/1.0: the server closes in the end and sends no chunks.
async fn exchange(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A port that nobody listens on, from below those of outgoing connections.
pub fn free_port() -> u16 {
    let random = RandomState::new();
    (0..1000_u16)
        .map(|attempt| 20_000 + u16::try_from(random.hash_one(attempt) % 12_000).unwrap_or(0))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}
