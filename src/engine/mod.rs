//! The one owner of live state: events in, analyses and publications out. Names no protocol type.
