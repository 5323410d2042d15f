//! Values of settings, from TOML or JSON alike, each with the line it stands on.

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// Line from 1, for TOML.
    pub line: Option<u32>,
    /// The value.
    pub value: Value,
}

/// The kinds of value that settings have.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Integer(i64),
    Float(f64),
    List(Vec<Setting>),
    Table(Vec<(String, Setting)>),
    /// JSON's null: as if the key were not there.
    Null,
    /// Anything else, by what it is called.
    Other(&'static str),
}

impl Setting {
    /// What a person calls this kind of value.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a string",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "a number",
            Value::Float(_) => "a number that is not whole",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Null => "null",
            Value::Other(kind) => kind,
        }
    }

    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => {
                let float = || Value::Float(number.as_f64().unwrap_or(f64::NAN));
                number.as_i64().map_or_else(float, Value::Integer)
            }
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => Value::List(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(map) => {
                Value::Table(map.iter().map(|(key, value)| (key.clone(), Self::from_json(value))).collect())
            }
        };
        Self { line: None, value }
    }

    pub(super) fn from_toml(item: &toml_edit::Item, lines: &Lines<'_>, line: u32) -> Self {
        let value = match item {
            toml_edit::Item::None => Value::Null,
            toml_edit::Item::Value(value) => return Self::from_toml_value(value, lines, line),
            toml_edit::Item::Table(table) => Value::Table(Self::entries(table, lines, line)),
            toml_edit::Item::ArrayOfTables(_) => Value::Other("an array of tables"),
        };
        Self { line: Some(line), value }
    }

    fn from_toml_value(value: &toml_edit::Value, lines: &Lines<'_>, line: u32) -> Self {
        let line = value.span().map_or(line, |span| lines.of(span.start));
        let value = match value {
            toml_edit::Value::String(text) => Value::Text(text.value().clone()),
            toml_edit::Value::Integer(number) => Value::Integer(*number.value()),
            toml_edit::Value::Boolean(value) => Value::Bool(*value.value()),
            toml_edit::Value::Float(number) => Value::Float(*number.value()),
            toml_edit::Value::Datetime(_) => Value::Other("a date or time"),
            toml_edit::Value::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_toml_value(item, lines, line)).collect())
            }
            toml_edit::Value::InlineTable(table) => Value::Table(Self::entries(table, lines, line)),
        };
        Self { line: Some(line), value }
    }

    /// The entries of a table, each on the line of its key.
    pub(super) fn entries(
        table: &dyn toml_edit::TableLike,
        lines: &Lines<'_>,
        line: u32,
    ) -> Vec<(String, Self)> {
        table
            .iter()
            .map(|(key, item)| {
                let span = table.get_key_value(key).and_then(|(key, _)| key.span());
                let line = span.map_or(line, |span| lines.of(span.start));
                let mut setting = Self::from_toml(item, lines, line);
                setting.line = Some(line);
                (key.to_owned(), setting)
            })
            .collect()
    }
}

/// Lines of a text by byte offset.
pub(super) struct Lines<'a>(pub &'a str);

impl Lines<'_> {
    /// The line (from 1) of byte `offset`.
    pub(super) fn of(&self, offset: usize) -> u32 {
        let before = &self.0.as_bytes()[..offset.min(self.0.len())];
        memchr::memchr_iter(b'\n', before).count() as u32 + 1
    }
}
