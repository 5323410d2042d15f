//! Standard input and output for the server. Where they are pipes or sockets, as editors make them, the system says
//! when they can be read or written, and the thread that waits for that does the work of a request itself. The
//! runtime's own streams have threads of their own: a request passes three threads with them, each of which waits
//! for a processor when the machine is busy.

use tokio::io::{AsyncRead, AsyncWrite};

/// Standard input.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;
/// Standard output.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input, to be called within a runtime. Pipes and sockets no longer block from then on.
pub fn input() -> Input {
    #[cfg(unix)]
    match unix::input() {
        Ok(Some(input)) => return input,
        Ok(None) => {}
        Err(error) => tracing::debug!("standard input is read by a thread: {error}"),
    }
    Box::new(tokio::io::stdin())
}

/// Standard output, like [`input`].
pub fn output() -> Output {
    #[cfg(unix)]
    match unix::output() {
        Ok(Some(output)) => return output,
        Ok(None) => {}
        Err(error) => tracing::debug!("standard output is written by a thread: {error}"),
    }
    Box::new(tokio::io::stdout())
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

    use rustix::fs::FileType;
    use tokio::net::UnixStream;
    use tokio::net::unix::pipe;

    use super::{Input, Output};

    pub fn input() -> io::Result<Option<Input>> {
        let fd = io::stdin().as_fd().try_clone_to_owned()?;
        Ok(match file_type(fd.as_fd())? {
            FileType::Fifo => Some(Box::new(pipe::Receiver::from_owned_fd(fd)?)),
            FileType::Socket => Some(Box::new(socket(fd)?)),
            _ => None,
        })
    }

    pub fn output() -> io::Result<Option<Output>> {
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(match file_type(fd.as_fd())? {
            FileType::Fifo => Some(Box::new(pipe::Sender::from_owned_fd(fd)?)),
            FileType::Socket => Some(Box::new(socket(fd)?)),
            _ => None,
        })
    }

    fn file_type(fd: BorrowedFd<'_>) -> io::Result<FileType> {
        Ok(FileType::from_raw_mode(rustix::fs::fstat(fd)?.st_mode))
    }

    /// Any socket that is a stream: what is read and written does not depend on its family.
    fn socket(fd: OwnedFd) -> io::Result<UnixStream> {
        let socket = std::os::unix::net::UnixStream::from(fd);
        socket.set_nonblocking(true)?;
        UnixStream::from_std(socket)
    }
}
