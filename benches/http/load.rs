//! A small HTTP/1.1 load generator: keep-alive connections, all on one thread, which leaves
//! the other core to the server.

use std::{
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep_until,
};

/// What one virtual client says on its connection.
pub trait Traffic: Send + 'static {
    /// Appends the next request; `false` when there is nothing left to ask.
    fn request(&mut self, out: &mut Vec<u8>) -> bool;

    /// Says what is wrong with the answer, if anything.
    fn accept(&mut self, answer: &Answer<'_>) -> Result<(), String>;
}

/// What came back.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// An error that quotes the answer.
    pub fn wrong(&self, expected: &str) -> String {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        format!("expected {expected}, got {}\n{body}", self.head)
    }

    /// Bytes on the wire.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The value of a header, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        lines
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// What a run measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub longest: Duration,
    /// What an answer cost all threads but the one that asks; nothing where the system
    /// does not tell.
    pub cpu: Duration,
}

/// Lets every client ask again and again for some time: as fast as it is answered, or all of
/// them together `rate` times a second. Ends early when one has nothing left to ask. Gives
/// the clients back, because they may have learnt something. The first answer on each
/// connection is not counted: with it, the server takes the connection in.
///
/// At a fixed rate, a request that had to wait for the answer to the one before counts from
/// when it was due, so that a stall is not hidden by the silence it causes.
pub async fn run<T: Traffic>(
    address: SocketAddr,
    clients: Vec<T>,
    rate: Option<f64>,
    time: Duration,
) -> Result<(Figures, Vec<T>), String> {
    let count = clients.len() as u32;
    let interval = rate.map(|rate| Duration::from_secs_f64(f64::from(count) / rate));
    let over = Arc::new(AtomicBool::new(false));
    let mut visitors = Vec::new();
    for client in clients {
        visitors.push(begin_visit(address, client).await?);
    }
    let worked = work_of_others();
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (n, (connection, client)) in (0..).zip(visitors) {
        let visit = Visit {
            first: begin + interval.unwrap_or_default() * n / count,
            interval,
            end: begin + time,
            over: over.clone(),
        };
        tasks.spawn(visit.make(connection, client));
    }
    let mut clients = Vec::new();
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (client, some) = done.map_err(|error| error.to_string())??;
        clients.push(client);
        times.extend(some);
    }
    let elapsed = begin.elapsed();
    let worked = work_of_others().saturating_sub(worked);
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    if times.is_empty() {
        return Err("nothing was answered in time".to_owned());
    }
    let figures = Figures {
        rate: times.len() as f64 / elapsed.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        longest: at(1.0),
        cpu: worked / times.len() as u32,
    };
    Ok((figures, clients))
}

/// How long all threads but this one have run so far (Linux).
fn work_of_others() -> Duration {
    let time = |file: PathBuf| -> u64 {
        let line = fs::read_to_string(file).unwrap_or_default();
        let first = line.split(' ').next().map(str::parse);
        first.and_then(Result::ok).unwrap_or(0)
    };
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let all: u64 = threads
        .map(|thread| time(thread.path().join("schedstat")))
        .sum();
    Duration::from_nanos(all.saturating_sub(time("/proc/thread-self/schedstat".into())))
}

struct Visit {
    first: Instant,
    interval: Option<Duration>,
    end: Instant,
    over: Arc<AtomicBool>,
}

impl Visit {
    async fn make<T: Traffic>(
        self,
        mut connection: Connection,
        mut client: T,
    ) -> Result<(T, Vec<Duration>), String> {
        let mut times = Vec::new();
        let mut due = self.first;
        loop {
            let mut start = Instant::now();
            if let Some(interval) = self.interval {
                if start < due {
                    sleep_until(due.into()).await;
                    start = Instant::now();
                } else {
                    start = due;
                }
                due += interval;
            }
            if start >= self.end || self.over.load(Ordering::Relaxed) {
                break;
            }
            connection.request.clear();
            if !client.request(&mut connection.request) {
                self.over.store(true, Ordering::Relaxed);
                break;
            }
            let answer = connection.ask().await.map_err(|error| error.to_string())?;
            times.push(start.elapsed());
            client.accept(&answer)?;
        }
        Ok((client, times))
    }
}

/// Asks once.
pub async fn once<T: Traffic>(address: SocketAddr, client: T) -> Result<T, String> {
    let (_, client) = begin_visit(address, client).await?;
    Ok(client)
}

/// Connects, and asks for the first time.
async fn begin_visit<T: Traffic>(
    address: SocketAddr,
    mut client: T,
) -> Result<(Connection, T), String> {
    let connected = Connection::open(address).await;
    let mut connection = connected.map_err(|error| error.to_string())?;
    if client.request(&mut connection.request) {
        let answer = connection.ask().await.map_err(|error| error.to_string())?;
        client.accept(&answer)?;
    }
    Ok((connection, client))
}

/// A keep-alive connection.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: Vec::with_capacity(4096),
            received: Vec::with_capacity(128 * 1024),
        })
    }

    async fn ask(&mut self) -> io::Result<Answer<'_>> {
        self.stream.write_all(&self.request).await?;
        self.received.clear();
        let mut whole = usize::MAX;
        while self.received.len() < whole {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if whole == usize::MAX {
                whole = self.whole_length().unwrap_or(usize::MAX);
            }
        }
        self.answer()
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// How long head and body are, once the head has arrived. Answers without a length,
    /// such as chunked ones, are not understood: the server sends none.
    fn whole_length(&self) -> Option<usize> {
        let answer = self.answer()?;
        let length = answer.header("content-length").map(str::parse);
        Some(answer.head.len() + length.and_then(Result::ok).unwrap_or(0))
    }

    fn answer(&self) -> Option<Answer<'_>> {
        let end = self
            .received
            .windows(4)
            .position(|four| four == b"\r\n\r\n")?
            + 4;
        let (head, body) = self.received.split_at(end);
        let head = str::from_utf8(head).ok()?;
        Some(Answer {
            status: head.get(9..12)?.parse().ok()?,
            head,
            body,
        })
    }
}
