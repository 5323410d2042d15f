//! Python values as the replay knows them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use crate::workspace::python::{Expr, Function as FunctionDef, Name, Signature, Stmt};

use super::scope::Scope;

/// A list shared by all who hold it.
pub(super) type Items<'a> = Rc<RefCell<Vec<Value<'a>>>>;
/// A dictionary in insertion order, shared by all who hold it. Programs in tests are small: looking through it
/// is cheaper than hashing.
pub(super) type Pairs<'a> = Rc<RefCell<Vec<(Value<'a>, Value<'a>)>>>;

/// A value.
#[derive(Clone)]
pub(super) enum Value<'a> {
    None,
    Ellipsis,
    NotImplemented,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Items<'a>),
    Tuple(Rc<[Value<'a>]>),
    Set(Items<'a>),
    Dict(Pairs<'a>),
    Range(i128, i128, i128),
    Iter(Rc<RefCell<Cursor<'a>>>),
    Slice(Rc<[Value<'a>; 3]>),
    Function(Rc<Function<'a>>),
    /// A function with its first argument.
    Bound(Rc<(Value<'a>, Value<'a>)>),
    /// A method of a built-in type with its object.
    Method(Rc<(Value<'a>, Name)>),
    Class(Rc<Class<'a>>),
    Object(Rc<Object<'a>>),
    /// A module of the project, by the index of its file.
    Module(usize),
    /// A built-in function or type, or a member of a library that the replay knows: `len`, `math.sqrt`.
    Native(Name),
    /// A native function with arguments already given: `functools.partial`, `operator.itemgetter`, `pytest.raises`.
    Given(Rc<(Name, Args<'a>)>),
    Property(Rc<(Value<'a>, Option<Value<'a>>)>),
    StaticMethod(Rc<Value<'a>>),
    ClassMethod(Rc<Value<'a>>),
    Super(Rc<(Rc<Class<'a>>, Value<'a>)>),
}

/// What is left of an iterator.
pub(super) enum Cursor<'a> {
    /// Values that are known already.
    Ready(VecDeque<Value<'a>>),
    /// A list that may change meanwhile, and the next index.
    List(Items<'a>, usize),
    /// A dictionary that may change meanwhile, the next index, and its first length.
    Dict(Pairs<'a>, usize, usize, View),
    /// A set, likewise.
    Set(Items<'a>, usize, usize),
}

/// What of a dictionary is iterated.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum View {
    Keys,
    Values,
    Items,
}

/// A function of the project.
pub(super) struct Function<'a> {
    pub name: Name,
    pub file: usize,
    pub signature: &'a Signature,
    pub body: Body<'a>,
    pub defaults: Vec<Option<Value<'a>>>,
    pub scope: Rc<Scope<'a>>,
    /// The class whose body it stands in, for `super()`.
    pub owner: RefCell<Option<Rc<Class<'a>>>>,
    /// What was assigned to its attributes.
    pub attrs: RefCell<Vec<(Name, Value<'a>)>>,
    pub is_async: bool,
    pub generator: bool,
    pub def: Option<&'a FunctionDef>,
}

/// What a function runs.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Block(&'a [Stmt]),
    Lambda(&'a Expr),
}

/// The attribute that holds the items of an object derived from a built-in collection; no program can name it.
pub(super) const ITEMS: &str = "<items>";

/// How a class behaves besides its attributes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Plain,
    Exception,
    Enum,
    /// An enumeration whose members are numbers.
    IntEnum,
    /// An enumeration whose members are texts.
    StrEnum,
    /// Derived from the built-in `dict`; its items are in the attribute [`ITEMS`].
    Dict,
    /// Derived from the built-in `list`, likewise.
    List,
    NamedTuple,
    TestCase,
}

/// A class of the project, or a built-in exception.
pub(super) struct Class<'a> {
    pub name: Name,
    pub bases: Vec<Rc<Class<'a>>>,
    pub attrs: RefCell<Vec<(Name, Value<'a>)>>,
    pub kind: Kind,
    /// Fields of a dataclass or named tuple with their defaults.
    pub fields: RefCell<Option<Vec<Field<'a>>>>,
    /// `@dataclass(order=True)`, `@dataclass(frozen=True)`.
    pub ordered: Cell<bool>,
    pub frozen: Cell<bool>,
    pub is_abc: Cell<bool>,
}

/// A field of a dataclass.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub name: Name,
    /// Whether the field is a parameter of `__init__`, and whether it is compared.
    pub init: bool,
    pub compare: bool,
    pub default: Option<Value<'a>>,
    pub factory: Option<Value<'a>>,
}

/// An instance.
pub(super) struct Object<'a> {
    pub class: Rc<Class<'a>>,
    pub attrs: RefCell<Vec<(Name, Value<'a>)>>,
}

/// Arguments of a call.
#[derive(Clone, Default)]
pub(super) struct Args<'a> {
    pub pos: Vec<Value<'a>>,
    pub kw: Vec<(Name, Value<'a>)>,
}

impl<'a> Args<'a> {
    pub(super) fn of(pos: Vec<Value<'a>>) -> Self {
        Self { pos, kw: Vec::new() }
    }

    /// The argument at `index`, or the one called `name`.
    pub(super) fn get(&self, index: usize, name: &str) -> Option<Value<'a>> {
        self.pos.get(index).cloned().or_else(|| self.named(name))
    }

    pub(super) fn named(&self, name: &str) -> Option<Value<'a>> {
        self.kw.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
    }
}

impl Value<'_> {
    pub(super) fn str(text: impl AsRef<str>) -> Self {
        Self::Str(Rc::from(text.as_ref()))
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    pub(super) fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(items.into())
    }

    pub(super) fn dict(pairs: Vec<(Self, Self)>) -> Self {
        Self::Dict(Rc::new(RefCell::new(pairs)))
    }

    pub(super) fn set(items: Vec<Self>) -> Self {
        Self::Set(Rc::new(RefCell::new(items)))
    }

    pub(super) fn iter(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Iter(Rc::new(RefCell::new(Cursor::Ready(items.into_iter().collect()))))
    }

    /// The name of its type as Python says it.
    pub(super) fn type_name(&self) -> &str {
        match self {
            Self::None => "NoneType",
            Self::Ellipsis => "ellipsis",
            Self::NotImplemented => "NotImplementedType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Set(_) => "set",
            Self::Dict(_) => "dict",
            Self::Range(..) => "range",
            Self::Iter(_) => "generator",
            Self::Slice(_) => "slice",
            Self::Function(_) => "function",
            Self::Bound(_) => "method",
            Self::Method(_) | Self::Native(_) | Self::Given(_) => "builtin_function_or_method",
            Self::Class(_) => "type",
            Self::Object(object) => &object.class.name,
            Self::Module(_) => "module",
            Self::Property(_) => "property",
            Self::StaticMethod(_) => "staticmethod",
            Self::ClassMethod(_) => "classmethod",
            Self::Super(_) => "super",
        }
    }

    /// As an integer; booleans and members of an `IntEnum` count.
    pub(super) fn int(&self) -> Option<i128> {
        match self {
            Self::Int(n) => Some(*n),
            Self::Bool(b) => Some(i128::from(*b)),
            Self::Object(object) if object.class.kind == Kind::IntEnum => object.get("value")?.int(),
            _ => None,
        }
    }

    /// What a collection that is derived from a built-in one, or made by `collections`, holds.
    pub(super) fn held(&self) -> Option<Self> {
        match self {
            Self::Object(object) if matches!(object.class.kind, Kind::Dict | Kind::List) => object.get(ITEMS),
            Self::Object(object) if object.class.kind == Kind::StrEnum => object.get("value"),
            Self::Given(given) if matches!(&*given.0, "defaultdict" | "Counter") => {
                given.1.pos.first().cloned()
            }
            _ => None,
        }
    }

    /// As a number; booleans count.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Float(x) => Some(*x),
            _ => self.int().map(|n| n as f64),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether both are the same object, as `is` says.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) | (Self::Ellipsis, Self::Ellipsis) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b && (-5..=256).contains(a),
            (Self::Str(a), Self::Str(b)) => Rc::ptr_eq(a, b) || (a == b && a.len() < 2),
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) => Rc::ptr_eq(a, b),
            (Self::Dict(a), Self::Dict(b)) => Rc::ptr_eq(a, b),
            (Self::Tuple(a), Self::Tuple(b)) => Rc::ptr_eq(a, b),
            (Self::Function(a), Self::Function(b)) => Rc::ptr_eq(a, b),
            (Self::Class(a), Self::Class(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::Iter(a), Self::Iter(b)) => Rc::ptr_eq(a, b),
            (Self::Native(a), Self::Native(b)) => a == b,
            (Self::Module(a), Self::Module(b)) => a == b,
            _ => false,
        }
    }
}

impl<'a> Class<'a> {
    /// The class and its bases, nearest first.
    pub(super) fn mro(self: &Rc<Self>) -> Vec<Rc<Class<'a>>> {
        let mut all: Vec<Rc<Class<'a>>> = vec![Rc::clone(self)];
        for base in &self.bases {
            for class in base.mro() {
                // A common base comes after everything that is derived from it.
                all.retain(|known| !Rc::ptr_eq(known, &class));
                all.push(class);
            }
        }
        all
    }

    /// The attribute of the class or of a base, and where it was found.
    pub(super) fn find(self: &Rc<Self>, name: &str) -> Option<(Rc<Class<'a>>, Value<'a>)> {
        self.mro().into_iter().find_map(|class| {
            let found =
                class.attrs.borrow().iter().find(|(known, _)| **known == *name).map(|(_, v)| v.clone());
            found.map(|value| (class, value))
        })
    }

    pub(super) fn is_a(self: &Rc<Self>, name: &str) -> bool {
        self.mro().iter().any(|class| *class.name == *name)
    }

    pub(super) fn derives(self: &Rc<Self>, other: &Rc<Class<'a>>) -> bool {
        self.mro().iter().any(|class| Rc::ptr_eq(class, other))
    }

    /// Fields of a dataclass or named tuple, inherited ones included.
    pub(super) fn all_fields(self: &Rc<Self>) -> Option<Vec<Field<'a>>> {
        let mut found: Option<Vec<Field<'a>>> = None;
        for class in self.mro().iter().rev() {
            if let Some(fields) = &*class.fields.borrow() {
                let all = found.get_or_insert_default();
                for field in fields {
                    match all.iter_mut().find(|known| known.name == field.name) {
                        Some(known) => *known = field.clone(),
                        None => all.push(field.clone()),
                    }
                }
            }
        }
        found
    }
}

impl<'a> Function<'a> {
    /// What was assigned to an attribute.
    pub(super) fn attr(&self, name: &str) -> Option<Value<'a>> {
        self.attrs.borrow().iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
    }
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.attrs.borrow().iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone())
    }

    pub(super) fn set(&self, name: &str, value: Value<'a>) {
        let mut attrs = self.attrs.borrow_mut();
        match attrs.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value,
            None => attrs.push((name.into(), value)),
        }
    }
}
