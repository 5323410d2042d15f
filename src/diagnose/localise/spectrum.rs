//! Which tests execute which statements, and how suspicious that makes them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::names::Use;
use super::replay::Files;
use super::trace::TestTrace;
use super::units::{Kind, Unit};
use crate::model::RelPath;
use crate::workspace::Workspace;
use crate::workspace::python::Name;

/// A statement of the project: file and index of its unit.
pub type Key = (RelPath, usize);

/// What failing and passing tests execute.
#[derive(Debug, Default)]
pub struct Spectrum {
    /// Failing and passing tests that execute it.
    pub counts: HashMap<Key, (u32, u32)>,
    /// Failing tests.
    pub failing: u32,
    /// Passing tests.
    pub passing: u32,
}

/// Statements that run when a file is imported, with the statements of functions that use what they define: they
/// count as executed by the tests that execute one of these.
#[derive(Debug, Default)]
pub struct Users(HashMap<Key, HashSet<Key>>);

impl Users {
    /// Finds them in `files`.
    pub fn of(files: &Files, workspace: &Workspace) -> Self {
        let mut definers: HashMap<(&RelPath, &Name), Vec<usize>> = HashMap::new();
        let mut members: HashMap<&Name, Vec<Key>> = HashMap::new();
        for (path, units) in files {
            for (index, unit) in units.units.iter().enumerate().filter(|(_, unit)| is_outside(unit)) {
                for def in &unit.defs {
                    if let Use::Name(name) = &def.what {
                        if !unit.in_class {
                            definers.entry((path, name)).or_default().push(index);
                        }
                        members.entry(name).or_default().push((path.clone(), index));
                    }
                }
            }
        }
        let mut users: HashMap<Key, HashSet<Key>> = HashMap::new();
        // Statements that change what another one defines: who uses that uses them.
        let mut indirect: Vec<(Key, Key)> = Vec::new();
        let mut imported: HashMap<(&RelPath, &Name), Option<(RelPath, Name)>> = HashMap::new();
        for (path, units) in files {
            let empty = HashSet::new();
            for (index, unit) in units.units.iter().enumerate() {
                let locals = unit.function.as_ref().and_then(|f| units.locals.get(f)).unwrap_or(&empty);
                for used in &unit.uses {
                    let mut add = |key: Key| {
                        if key != (path.clone(), index) {
                            users.entry(key).or_default().insert((path.clone(), index));
                        }
                    };
                    match used {
                        Use::Name(name) if locals.contains(name) => {}
                        Use::Name(name) => {
                            if let Some(found) = definers.get(&(path, name)) {
                                for &at in found {
                                    add((path.clone(), at));
                                }
                            }
                            let foreign = imported.entry((path, name)).or_insert_with(|| {
                                let source = workspace.source(path)?;
                                let (file, rest) = workspace.imported(&source, name)?;
                                Some((file, rest.as_str().into()))
                            });
                            if let Some((file, name)) = foreign
                                && let Some(found) = definers.get(&(&*file, &*name))
                            {
                                for &at in found {
                                    add((file.clone(), at));
                                }
                            }
                        }
                        Use::Attr(name) => {
                            for key in members.get(name).into_iter().flatten() {
                                let is_value = files[&key.0].units[key.1].kind == Kind::Assign;
                                if is_value {
                                    add(key.clone());
                                }
                            }
                        }
                    }
                }
            }
            for (index, unit) in units.units.iter().enumerate().filter(|(_, unit)| is_outside(unit)) {
                let mut add = |users_of: &[usize]| {
                    for &changed in users_of.iter().filter(|&&changed| changed != index) {
                        indirect.push(((path.clone(), index), (path.clone(), changed)));
                    }
                };
                for name in unit.branches.iter().flat_map(|branch| &branch.defines) {
                    add(definers.get(&(path, name)).map_or(&[], Vec::as_slice));
                }
                // A call for its effect: on what the function changes that is not its own.
                for function in unit.calls.iter().filter(|_| unit.kind == Kind::Effect).map(|call| &call.name)
                {
                    if !units.functions.contains_key(&**function) {
                        continue;
                    }
                    let inner = units.units.iter().filter(|u| u.function.as_deref() == Some(&**function));
                    for def in inner.flat_map(|unit| &unit.defs) {
                        if let Use::Name(name) = &def.what
                            && !def.kills
                        {
                            add(definers.get(&(path, name)).map_or(&[], Vec::as_slice));
                        }
                    }
                }
            }
            for (name, &def) in &units.functions {
                let inner = units.units.iter().enumerate().filter(|(_, u)| u.function.as_ref() == Some(name));
                let all = users.entry((path.clone(), def)).or_default();
                all.extend(inner.map(|(index, _)| (path.clone(), index)));
            }
        }
        for (key, definition) in indirect {
            let more = users.get(&definition).cloned().unwrap_or_default();
            users.entry(key).or_default().extend(more);
        }
        Self(users)
    }

    /// What uses the definition at `key`.
    pub fn of_key(&self, key: &Key) -> impl Iterator<Item = &Key> {
        self.0.get(key).into_iter().flatten()
    }
}

/// Whether the statement runs on import, so that no test is seen to execute it.
pub fn is_outside(unit: &Unit) -> bool {
    unit.function.is_none()
}

/// The statements that a test executes.
pub fn executed(trace: &TestTrace, files: &Files) -> HashSet<Key> {
    let mut found = HashSet::new();
    for (path, lines) in &trace.lines {
        let Some(units) = files.get(path) else { continue };
        for unit in lines.iter().filter_map(|&line| units.at(line)) {
            found.insert((path.clone(), unit));
        }
    }
    found
}

/// Adds what is executed on import and used by what the test executes; definitions of definitions too.
pub(super) fn with_imports(executed: &mut HashSet<Key>, files: &Files, users: &Users) {
    for _ in 0..3 {
        let mut more = Vec::new();
        for (key, by) in &users.0 {
            if !executed.contains(key)
                && (is_outside(&files[&key.0].units[key.1]) || files[&key.0].units[key.1].kind == Kind::Def)
                && by.iter().any(|user| executed.contains(user))
            {
                more.push(key.clone());
            }
        }
        if more.is_empty() {
            return;
        }
        executed.extend(more);
    }
}

impl Spectrum {
    /// Counts over the statements that each test executes.
    pub fn count<'a>(
        failing: impl Iterator<Item = &'a HashSet<Key>>,
        passing: impl Iterator<Item = &'a HashSet<Key>>,
    ) -> Self {
        let mut spectrum = Self::default();
        for test in failing {
            spectrum.failing += 1;
            for key in test {
                spectrum.counts.entry(key.clone()).or_default().0 += 1;
            }
        }
        for test in passing {
            spectrum.passing += 1;
            for key in test {
                if let Some(count) = spectrum.counts.get_mut(key) {
                    count.1 += 1;
                }
            }
        }
        spectrum
    }

    /// Ochiai's coefficient (Abreu et al. 2006): 0 to 1.
    pub fn ochiai(&self, key: &Key) -> f64 {
        let Some(&(failed, passed)) = self.counts.get(key) else { return 0.0 };
        let product = f64::from(self.failing) * f64::from(failed + passed);
        if product > 0.0 { f64::from(failed) / product.sqrt() } else { 0.0 }
    }

    /// The share of the failing tests that execute it.
    pub fn share(&self, key: &Key) -> f64 {
        let failed = self.counts.get(key).map_or(0, |count| count.0);
        f64::from(failed) / f64::from(self.failing.max(1))
    }
}

/// The units of every file that the traces touch.
pub fn files_of<'a>(traces: impl Iterator<Item = &'a TestTrace>, workspace: &Workspace) -> Files {
    let mut files = Files::new();
    for trace in traces {
        for path in trace.lines.keys().chain(trace.codes.iter().filter_map(|(path, _)| path.as_ref())) {
            if !files.contains_key(path)
                && workspace.is_project(path)
                && let Some(source) = workspace.source(path)
            {
                files.insert(path.clone(), Arc::new(super::units::FileUnits::of(&source)));
            }
        }
    }
    files
}
