# What the replay knows of `configparser`: sections of plain lines, without interpolation.
class Error(Exception):
    pass


class NoSectionError(Error):
    pass


class NoOptionError(Error):
    pass


_UNSET = object()


class _Section:
    def __init__(self, parser, name):
        self._parser = parser
        self.name = name

    def _all(self):
        made = dict(self._parser._default)
        made.update(self._parser._sections.get(self.name, {}))
        return made

    def __getitem__(self, key):
        found = self._all()
        if key.lower() not in found:
            raise KeyError(key)
        return found[key.lower()]

    def __setitem__(self, key, value):
        if not isinstance(value, str):
            raise TypeError("option values must be strings")
        self._parser._sections[self.name][key.lower()] = value

    def __contains__(self, key):
        return key.lower() in self._all()

    def __iter__(self):
        return iter(list(self._all()))

    def __len__(self):
        return len(self._all())

    def keys(self):
        return list(self._all())

    def items(self):
        return list(self._all().items())

    def get(self, key, fallback=None):
        return self._all().get(key.lower(), fallback)

    def getint(self, key, fallback=None):
        value = self.get(key)
        return fallback if value is None else int(value)

    def getfloat(self, key, fallback=None):
        value = self.get(key)
        return fallback if value is None else float(value)

    def getboolean(self, key, fallback=None):
        value = self.get(key)
        return fallback if value is None else _truth(value)


def _truth(text):
    if text.lower() in ("1", "yes", "true", "on"):
        return True
    if text.lower() in ("0", "no", "false", "off"):
        return False
    raise ValueError("Not a boolean: " + text)


class ConfigParser:
    def __init__(self, defaults=None, interpolation=_UNSET):
        self._plain = interpolation is None
        self._default = {key.lower(): value for key, value in (defaults or {}).items()}
        self._sections = {}

    def read_string(self, text):
        section = None
        for line in text.splitlines():
            if line[:1] in (" ", "\t") and line.strip():
                __unknown__()
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line.startswith("["):
                name = line[1 : line.index("]")]
                if name == "DEFAULT":
                    section = self._default
                else:
                    section = self._sections.setdefault(name, {})
                continue
            ends = [at for at in (line.find("="), line.find(":")) if at >= 0]
            if not ends or section is None:
                __unknown__()
            at = min(ends)
            value = line[at + 1 :].strip()
            if "%" in value and not self._plain:
                __unknown__()
            section[line[:at].strip().lower()] = value

    def read(self, paths, encoding=None):
        with open(paths) as source:
            self.read_string(source.read())
        return [str(paths)]

    def read_dict(self, values):
        for name, section in values.items():
            self._sections[name] = {key.lower(): str(value) for key, value in section.items()}

    def sections(self):
        return list(self._sections)

    def has_section(self, name):
        return name in self._sections

    def has_option(self, section, key):
        return section in self._sections and key in self[section]

    def options(self, section):
        return self[section].keys()

    def add_section(self, name):
        self._sections[name] = {}

    def items(self, section):
        return self[section].items()

    def __getitem__(self, name):
        if name == "DEFAULT":
            return _Section(self, name)
        if name not in self._sections:
            raise KeyError(name)
        return _Section(self, name)

    def __setitem__(self, name, values):
        self.read_dict({name: values})

    def __contains__(self, name):
        return name == "DEFAULT" or name in self._sections

    def get(self, section, key, fallback=_UNSET):
        if section not in self._sections:
            if fallback is _UNSET:
                raise NoSectionError(f"No section: {section!r}")
            return fallback
        if key not in self[section]:
            if fallback is _UNSET:
                raise NoOptionError(f"No option {key!r} in section: {section!r}")
            return fallback
        return self[section][key]

    def set(self, section, key, value):
        self[section][key] = value

    def getint(self, section, key, fallback=_UNSET):
        value = self.get(section, key, fallback=fallback)
        return int(value) if isinstance(value, str) else value

    def getfloat(self, section, key, fallback=_UNSET):
        value = self.get(section, key, fallback=fallback)
        return float(value) if isinstance(value, str) else value

    def getboolean(self, section, key, fallback=_UNSET):
        value = self.get(section, key, fallback=fallback)
        return _truth(value) if isinstance(value, str) else value


RawConfigParser = ConfigParser
