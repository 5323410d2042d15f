# What the replay knows of `urllib.parse`.
_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~"
_HEX = "0123456789ABCDEF"


def quote(text, safe="/"):
    made = []
    for c in str(text):
        if c in _SAFE or c in safe:
            made.append(c)
        else:
            for byte in c.encode("utf-8"):
                made.append("%" + _HEX[byte // 16] + _HEX[byte % 16])
    return "".join(made)


def quote_plus(text, safe=""):
    return quote(text, safe + " ").replace(" ", "+")


def unquote(text):
    if "%" not in text:
        return text
    made = ""
    at = 0
    while at < len(text):
        if text[at] == "%" and at + 2 < len(text):
            code = int(text[at + 1 : at + 3], 16)
            if code > 127:
                __unknown__()
            made += chr(code)
            at += 3
        else:
            made += text[at]
            at += 1
    return made


def unquote_plus(text):
    return unquote(text.replace("+", " "))


def urlencode(query, doseq=False):
    pairs = query.items() if hasattr(query, "items") else query
    made = []
    for key, value in pairs:
        if doseq and not isinstance(value, str):
            for one in value:
                made.append(quote_plus(key) + "=" + quote_plus(one))
        else:
            made.append(quote_plus(key) + "=" + quote_plus(value))
    return "&".join(made)


def parse_qsl(text, keep_blank_values=False):
    made = []
    for part in text.split("&"):
        if not part:
            continue
        key, found, value = part.partition("=")
        if value or keep_blank_values and found:
            made.append((unquote_plus(key), unquote_plus(value)))
    return made


def parse_qs(text, keep_blank_values=False):
    made = {}
    for key, value in parse_qsl(text, keep_blank_values):
        made.setdefault(key, []).append(value)
    return made


class SplitResult:
    def __init__(self, scheme, netloc, path, query, fragment):
        self.scheme = scheme
        self.netloc = netloc
        self.path = path
        self.query = query
        self.fragment = fragment
        self.params = ""

    @property
    def hostname(self):
        host = self.netloc.rpartition("@")[2].partition(":")[0]
        return host.lower() or None

    @property
    def port(self):
        port = self.netloc.rpartition("@")[2].partition(":")[2]
        return int(port) if port else None

    @property
    def username(self):
        user, found, _ = self.netloc.rpartition("@")
        return user.partition(":")[0] if found else None

    @property
    def password(self):
        user, found, _ = self.netloc.rpartition("@")
        return user.partition(":")[2] if found and ":" in user else None

    def geturl(self):
        made = self.path
        if self.netloc:
            made = "//" + self.netloc + made
        if self.scheme:
            made = self.scheme + ":" + made
        if self.query:
            made += "?" + self.query
        if self.fragment:
            made += "#" + self.fragment
        return made


def urlsplit(url):
    url, _, fragment = url.partition("#")
    url, _, query = url.partition("?")
    scheme, netloc = "", ""
    before, found, after = url.partition(":")
    if found and before and "/" not in before and before[0].isalpha():
        scheme, url = before.lower(), after
    if url.startswith("//"):
        netloc, slash, path = url[2:].partition("/")
        url = slash + path
    return SplitResult(scheme, netloc, url, query, fragment)


urlparse = urlsplit


def urlunsplit(parts):
    return SplitResult(*parts).geturl()
