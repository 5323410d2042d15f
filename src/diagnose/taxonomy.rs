//! What kinds of exception there are: Python's own and those of well-known libraries, with the documented
//! category each belongs to. The category of a failure comes from here, never from words in the source.

use crate::model::{Category, Exception, Severity};

/// What an exception's type says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The category.
    pub category: Category,
    /// The severity before reach.
    pub severity: Severity,
}

const fn kind(category: Category, severity: Severity) -> Kind {
    Kind { category, severity }
}

/// Types by name. A name without a dot is Python's own; with a dot, the first part is the package it comes
/// from (its inner modules do not count: libraries move their exceptions about) and the last the type.
const TABLE: &[(Kind, &[&str])] = &[
    (
        kind(Category::AssertionFailure, Severity::Medium),
        &["AssertionError", "Failed", "unittest.FailTest", "hypothesis.Flaky", "doctest.DocTestFailure"],
    ),
    (
        kind(Category::Timeout, Severity::High),
        &[
            "TimeoutError",
            "asyncio.TimeoutError",
            "concurrent.TimeoutError",
            "socket.timeout",
            "subprocess.TimeoutExpired",
            "queue.Empty",
            "queue.Full",
            "requests.Timeout",
            "requests.ReadTimeout",
            "requests.ConnectTimeout",
            "httpx.TimeoutException",
            "httpx.ReadTimeout",
            "httpx.ConnectTimeout",
            "httpx.WriteTimeout",
            "httpx.PoolTimeout",
            "httpcore.ReadTimeout",
            "httpcore.ConnectTimeout",
            "urllib3.ReadTimeoutError",
            "urllib3.ConnectTimeoutError",
            "urllib3.TimeoutError",
            "aiohttp.ServerTimeoutError",
            "aiohttp.ConnectionTimeoutError",
            "aiohttp.SocketTimeoutError",
            "redis.TimeoutError",
            "selenium.TimeoutException",
            "playwright.TimeoutError",
            "sqlalchemy.TimeoutError",
            "botocore.ReadTimeoutError",
            "botocore.ConnectTimeoutError",
            "anyio.TimeoutError",
            "trio.TooSlowError",
            "pexpect.TIMEOUT",
            "celery.TimeoutError",
            "celery.SoftTimeLimitExceeded",
            "celery.TimeLimitExceeded",
            "func_timeout.FunctionTimedOut",
            "paramiko.SSHTimeout",
            "kafka.KafkaTimeoutError",
            "hypothesis.DeadlineExceeded",
            "async_timeout.TimeoutError",
            "filelock.Timeout",
        ],
    ),
    (
        kind(Category::ConnectionError, Severity::High),
        &[
            "ConnectionError",
            "ConnectionRefusedError",
            "ConnectionResetError",
            "ConnectionAbortedError",
            "BrokenPipeError",
            "socket.gaierror",
            "socket.herror",
            "socket.error",
            "ssl.SSLError",
            "ssl.SSLCertVerificationError",
            "ssl.SSLEOFError",
            "ssl.CertificateError",
            "http.RemoteDisconnected",
            "http.IncompleteRead",
            "urllib.URLError",
            "asyncio.IncompleteReadError",
            "smtplib.SMTPConnectError",
            "smtplib.SMTPServerDisconnected",
            "smtplib.SMTPException",
            "ftplib.error_temp",
            "requests.ConnectionError",
            "requests.SSLError",
            "requests.ProxyError",
            "requests.ChunkedEncodingError",
            "httpx.ConnectError",
            "httpx.ReadError",
            "httpx.WriteError",
            "httpx.CloseError",
            "httpx.NetworkError",
            "httpx.RemoteProtocolError",
            "httpx.ProxyError",
            "httpx.TransportError",
            "httpcore.ConnectError",
            "httpcore.ReadError",
            "httpcore.RemoteProtocolError",
            "urllib3.MaxRetryError",
            "urllib3.NewConnectionError",
            "urllib3.NameResolutionError",
            "urllib3.ProtocolError",
            "urllib3.SSLError",
            "urllib3.ProxyError",
            "aiohttp.ClientConnectionError",
            "aiohttp.ClientConnectorError",
            "aiohttp.ClientConnectorDNSError",
            "aiohttp.ClientConnectorSSLError",
            "aiohttp.ClientConnectorCertificateError",
            "aiohttp.ClientOSError",
            "aiohttp.ClientProxyConnectionError",
            "aiohttp.ServerConnectionError",
            "aiohttp.ServerDisconnectedError",
            "redis.ConnectionError",
            "redis.BusyLoadingError",
            "psycopg2.OperationalError",
            "psycopg2.InterfaceError",
            "psycopg.OperationalError",
            "psycopg.InterfaceError",
            "psycopg.ConnectionTimeout",
            "asyncpg.ConnectionDoesNotExistError",
            "asyncpg.CannotConnectNowError",
            "asyncpg.InterfaceError",
            "pymysql.OperationalError",
            "pymysql.InterfaceError",
            "MySQLdb.OperationalError",
            "mysql.InterfaceError",
            "mysql.OperationalError",
            "sqlalchemy.OperationalError",
            "sqlalchemy.InterfaceError",
            "sqlalchemy.DisconnectionError",
            "django.OperationalError",
            "django.InterfaceError",
            "peewee.OperationalError",
            "pymongo.ServerSelectionTimeoutError",
            "pymongo.AutoReconnect",
            "pymongo.ConnectionFailure",
            "pymongo.NetworkTimeout",
            "kafka.NoBrokersAvailable",
            "kafka.KafkaConnectionError",
            "pika.AMQPConnectionError",
            "pika.AMQPError",
            "kombu.OperationalError",
            "amqp.ConnectionError",
            "elasticsearch.ConnectionError",
            "elastic_transport.ConnectionError",
            "botocore.EndpointConnectionError",
            "botocore.ConnectionClosedError",
            "botocore.HTTPClientError",
            "websockets.ConnectionClosed",
            "websockets.ConnectionClosedError",
            "websockets.InvalidStatus",
            "paramiko.SSHException",
            "paramiko.NoValidConnectionsError",
            "paramiko.ssh_exception",
            "docker.DockerException",
            "cassandra.NoHostAvailable",
            "ldap3.LDAPSocketOpenError",
            "ldap.SERVER_DOWN",
            "zmq.ZMQError",
            "pyodbc.OperationalError",
            "oracledb.OperationalError",
            "selenium.WebDriverException",
            "anyio.BrokenResourceError",
            "neo4j.ServiceUnavailable",
        ],
    ),
    (
        kind(Category::PermissionError, Severity::High),
        &["PermissionError", "botocore.NoCredentialsError", "paramiko.AuthenticationException"],
    ),
    (
        kind(Category::ImportError, Severity::High),
        &[
            "ImportError",
            "ModuleNotFoundError",
            "SyntaxError",
            "IndentationError",
            "TabError",
            "pkg_resources.DistributionNotFound",
            "importlib.PackageNotFoundError",
            "pytest.ImportPathMismatchError",
        ],
    ),
    (
        kind(Category::EnvIssue, Severity::High),
        &[
            "FileNotFoundError",
            "OSError",
            "IOError",
            "EnvironmentError",
            "FileExistsError",
            "IsADirectoryError",
            "NotADirectoryError",
            "BlockingIOError",
            "ChildProcessError",
            "ProcessLookupError",
            "InterruptedError",
            "MemoryError",
            "SystemExit",
            "KeyboardInterrupt",
            "locale.Error",
            "zoneinfo.ZoneInfoNotFoundError",
            "pytz.UnknownTimeZoneError",
            "FixtureLookupError",
            "ScopeMismatch",
            "UsageError",
            "shutil.Error",
            "subprocess.CalledProcessError",
            "pkg_resources.VersionConflict",
            "configparser.NoSectionError",
            "configparser.NoOptionError",
            "django.ImproperlyConfigured",
            "decouple.UndefinedValueError",
            "environs.EnvError",
            "environ.ImproperlyConfigured",
            "botocore.NoRegionError",
            "botocore.ProfileNotFound",
            "webbrowser.Error",
            "tkinter.TclError",
            "ctypes.ArgumentError",
            "BufferError",
            "ResourceWarning",
        ],
    ),
    (
        kind(Category::DataIssue, Severity::Medium),
        &[
            "KeyError",
            "ValueError",
            "LookupError",
            "IndexError",
            "UnicodeError",
            "UnicodeDecodeError",
            "UnicodeEncodeError",
            "UnicodeTranslateError",
            "EOFError",
            "json.JSONDecodeError",
            "JSONDecodeError",
            "simplejson.JSONDecodeError",
            "requests.JSONDecodeError",
            "orjson.JSONDecodeError",
            "ujson.JSONDecodeError",
            "csv.Error",
            "struct.error",
            "zlib.error",
            "binascii.Error",
            "zipfile.BadZipFile",
            "tarfile.ReadError",
            "gzip.BadGzipFile",
            "lzma.LZMAError",
            "pickle.UnpicklingError",
            "decimal.InvalidOperation",
            "decimal.ConversionSyntax",
            "xml.ParseError",
            "xml.ExpatError",
            "lxml.XMLSyntaxError",
            "tomllib.TOMLDecodeError",
            "tomli.TOMLDecodeError",
            "toml.TomlDecodeError",
            "yaml.YAMLError",
            "yaml.ScannerError",
            "yaml.ParserError",
            "yaml.ComposerError",
            "yaml.ConstructorError",
            "configparser.ParsingError",
            "configparser.MissingSectionHeaderError",
            "configparser.DuplicateOptionError",
            "email.MessageParseError",
            "pydantic.ValidationError",
            "pydantic_core.ValidationError",
            "jsonschema.ValidationError",
            "marshmallow.ValidationError",
            "cerberus.SchemaError",
            "voluptuous.Invalid",
            "attrs.ValidationError",
            "msgspec.ValidationError",
            "msgspec.DecodeError",
            "cattrs.ClassValidationError",
            "django.ValidationError",
            "django.ObjectDoesNotExist",
            "django.MultipleObjectsReturned",
            "rest_framework.ValidationError",
            "sqlite3.IntegrityError",
            "sqlite3.DataError",
            "sqlite3.OperationalError",
            "sqlite3.ProgrammingError",
            "sqlalchemy.IntegrityError",
            "sqlalchemy.DataError",
            "sqlalchemy.NoResultFound",
            "sqlalchemy.MultipleResultsFound",
            "sqlalchemy.ProgrammingError",
            "psycopg2.IntegrityError",
            "psycopg2.DataError",
            "psycopg2.ProgrammingError",
            "django.IntegrityError",
            "pandas.ParserError",
            "pandas.EmptyDataError",
            "pandas.OutOfBoundsDatetime",
            "dateutil.ParserError",
            "dateutil.UnknownTimezoneWarning",
            "requests.HTTPError",
            "httpx.HTTPStatusError",
            "urllib.HTTPError",
            "aiohttp.ClientResponseError",
            "google.DecodeError",
            "jwt.DecodeError",
            "jwt.ExpiredSignatureError",
            "PIL.UnidentifiedImageError",
        ],
    ),
    (
        kind(Category::Other, Severity::High),
        &[
            "TypeError",
            "AttributeError",
            "NameError",
            "UnboundLocalError",
            "RecursionError",
            "NotImplementedError",
            "SystemError",
            "StopIteration",
            "StopAsyncIteration",
            "GeneratorExit",
            "RuntimeError",
            "ZeroDivisionError",
            "OverflowError",
            "FloatingPointError",
            "ArithmeticError",
            "ReferenceError",
        ],
    ),
];

/// What the type called `name` (as printed, possibly qualified) says; `None` for unknown types, among them
/// the project's own.
pub fn of_name(name: &str) -> Option<Kind> {
    let (package, short) = match name.rsplit_once('.') {
        Some((modules, short)) => (modules.split('.').next().unwrap_or(modules), short),
        None => ("", name),
    };
    // Modules that implement another one under a private or historical name.
    let package = match package {
        "builtins" => "",
        "_pytest" if matches!(short, "Failed" | "FixtureLookupError" | "ScopeMismatch") => "",
        "_socket" => "socket",
        "_ssl" => "ssl",
        "_csv" => "csv",
        "_queue" => "queue",
        "_pickle" => "pickle",
        "pyexpat" => "xml",
        other => other
            .strip_prefix('_')
            .filter(|rest| matches!(*rest, "struct" | "locale" | "lzma"))
            .unwrap_or(other),
    };
    TABLE.iter().find_map(|(kind, names)| {
        names
            .iter()
            .any(|entry| match entry.split_once('.') {
                Some((of, type_name)) => of == package && type_name == short,
                None => package.is_empty() && *entry == short,
            })
            .then_some(*kind)
    })
}

/// What `exception` says by its type, where the type alone does not settle it by its message: the time limit
/// of pytest-timeout, a database wrapper round something that is no connection problem.
pub fn of_exception(exception: &Exception) -> Option<Kind> {
    let message = exception.message.trim_start();
    if exception.short_type() == "Failed" && message.starts_with("Timeout") {
        return Some(kind(Category::Timeout, Severity::High));
    }
    if exception.short_type() == "OperationalError" && message.contains("no such table") {
        return Some(kind(Category::DataIssue, Severity::High));
    }
    if exception.short_type() == "OperationalError" && message.contains("(sqlite3.OperationalError)") {
        return Some(kind(Category::DataIssue, Severity::Medium));
    }
    of_name(&exception.type_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_category_of_what_they_are() {
        let rows = [
            ("ConnectionRefusedError", Some(Category::ConnectionError)),
            ("requests.exceptions.ConnectionError", Some(Category::ConnectionError)),
            ("requests.exceptions.ReadTimeout", Some(Category::Timeout)),
            ("psycopg2.OperationalError", Some(Category::ConnectionError)),
            ("sqlalchemy.exc.OperationalError", Some(Category::ConnectionError)),
            ("redis.exceptions.ConnectionError", Some(Category::ConnectionError)),
            ("socket.gaierror", Some(Category::ConnectionError)),
            ("asyncio.exceptions.TimeoutError", Some(Category::Timeout)),
            ("json.decoder.JSONDecodeError", Some(Category::DataIssue)),
            ("_csv.Error", Some(Category::DataIssue)),
            ("xml.etree.ElementTree.ParseError", Some(Category::DataIssue)),
            ("PermissionError", Some(Category::PermissionError)),
            ("IndentationError", Some(Category::ImportError)),
            ("AttributeError", Some(Category::Other)),
            ("_pytest.outcomes.Failed", Some(Category::AssertionFailure)),
            // The project's own types say nothing by their name.
            ("app.errors.TimeoutError", None),
            ("app.errors.ConnectionError", None),
            ("shop.PermissionError", None),
            ("Oops", None),
        ];
        for (name, expected) in rows {
            assert_eq!(of_name(name).map(|kind| kind.category), expected, "{name}");
        }
    }

    #[test]
    fn no_type_is_listed_twice() {
        let mut names: Vec<&str> = TABLE.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
