//! The dynamic backward slice of a failing test, weighted: which executed statements the failing value depends
//! on, and how closely.
//!
//! After dynamic slicing (Korel and Laski 1988) and relevant slicing (Gyimóthy et al. 1999): data dependences over
//! variables, attributes, arguments and return values; control dependences on enclosing conditions and on those
//! that could have left the function before; and potential dependences on conditions that, had they gone the
//! other way, would have defined what is used later. Attributes are told apart by their names only, since objects
//! are not identified; each hop costs weight, so that what is near the failing value weighs most.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::Use;
use super::replay::{Files, Instance, Moment, Timeline};
use super::units::{FileUnits, Kind, Unit};
use crate::model::RelPath;
use crate::workspace::python::Name;

/// What is left of a weight after a hop: of data, to an argument through the receiver (`self`), of control, to a
/// condition that could have left before, to a condition that would have defined something.
const DATA: f64 = 0.93;
const RECEIVER: f64 = 0.5;
const CONTROL: f64 = 0.8;
const LEAVING: f64 = 0.6;
const POTENTIAL: f64 = 0.75;
/// To the statement that has called a function in which something matters.
const CALLER: f64 = 0.5;
/// To a parameter, for what its function may change in it.
const CHANGED: f64 = 0.85;
/// For earlier writers of an attribute: the last one may have written another object's.
const EARLIER: f64 = 0.6;
/// Weights below this are not followed.
const LEAST: f64 = 0.02;

/// Where the failure shows.
#[derive(Debug, Clone, Default)]
pub struct Criterion {
    /// The failing line of the deepest frame of the project, then those of its callers.
    pub lines: Vec<(RelPath, u32)>,
    /// Whether the failure is that something did not happen (no exception was raised).
    pub missing: bool,
}

/// What the slice says.
#[derive(Debug, Default)]
pub struct Slice {
    /// Weight, 0 to 1, by file and unit.
    pub weights: HashMap<(RelPath, usize), f64>,
    /// Names read at module level, by file.
    pub globals: HashMap<(RelPath, Name), f64>,
    /// Attributes for which no writer was seen: class attributes.
    pub attributes: HashMap<Name, f64>,
    /// `def` statements whose defaults may be what was used.
    pub defaults: HashMap<(RelPath, usize), f64>,
    /// Whether the failing statement was found on the timeline.
    pub found: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Local(usize, Name),
    /// A variable of an enclosing function whose frame is not known: by the file alone.
    Free(RelPath, Name),
    Attr(Name),
}

struct Slicer<'a> {
    timeline: &'a Timeline,
    files: &'a Files,
    live: HashMap<Place, f64>,
    /// Weight of each instance.
    weights: Vec<f64>,
    /// Weight that conditions get when they are reached, by frame and unit.
    control: HashMap<(usize, usize), f64>,
    /// Greatest weight seen in each frame.
    frames: Vec<f64>,
    /// Weight of what a frame returns, for its last statement.
    returns: Vec<f64>,
    /// The unit that follows in each frame.
    next: Vec<Option<usize>>,
    /// Weights that parameters have because the caller's variable matters.
    given: HashMap<(usize, Name), f64>,
    missing: bool,
    slice: Slice,
}

/// Slices `timeline` backwards from `criterion`.
pub fn slice(timeline: &Timeline, files: &Files, criterion: &Criterion) -> Slice {
    let mut slicer = Slicer {
        timeline,
        files,
        live: HashMap::new(),
        weights: vec![0.0; timeline.instances.len()],
        control: HashMap::new(),
        frames: vec![0.0; timeline.frames.len()],
        returns: vec![0.0; timeline.frames.len()],
        next: vec![None; timeline.frames.len()],
        given: HashMap::new(),
        missing: criterion.missing,
        slice: Slice::default(),
    };
    let Some(end) = slicer.seed(criterion) else { return slicer.slice };
    for at in (0..=end).rev() {
        match timeline.moments[at] {
            Moment::End(instance) => slicer.end(instance),
            Moment::Begin(_) => {}
            Moment::Leave(frame, _) => slicer.leave(frame),
            Moment::Unwind(frame) => slicer.next[frame] = None,
            Moment::Enter(frame) => slicer.enter(frame),
        }
    }
    slicer.finish()
}

impl<'a> Slicer<'a> {
    fn units(&self, frame: usize) -> Option<(&'a RelPath, &'a Arc<FileUnits>)> {
        self.files.get_key_value(self.timeline.frames[frame].file.as_ref()?)
    }

    fn unit(&self, instance: usize) -> Option<(&'a RelPath, &'a Arc<FileUnits>, &'a Unit)> {
        let Instance { frame, unit } = self.timeline.instances[instance];
        let (path, units) = self.units(frame)?;
        Some((path, units, units.units.get(unit)?))
    }

    /// Gives the failing statement and its callers their weights; gives the moment at which to begin.
    fn seed(&mut self, criterion: &Criterion) -> Option<usize> {
        let mut end = None;
        let mut weight = 1.0;
        for (path, line) in &criterion.lines {
            let unit = self.files.get(path).and_then(|units| units.at(*line));
            let last = self.timeline.instances.iter().rposition(|instance| {
                Some(instance.unit) == unit
                    && self.timeline.frames[instance.frame].file.as_ref() == Some(path)
            });
            if let Some(instance) = last {
                self.weights[instance] = weight;
                end = end.max(self.timeline.moments.iter().rposition(|m| *m == Moment::End(instance)));
                self.slice.found = true;
            }
            weight *= 0.6;
        }
        if criterion.missing {
            // All that was done is what did not do it.
            end = Some(self.timeline.moments.len().checked_sub(1)?);
            for (index, instance) in self.timeline.instances.iter().enumerate() {
                if let Some((path, line)) = criterion.lines.first()
                    && let Some(units) = self.files.get(path)
                    && self.timeline.frames[instance.frame].file.as_ref() == Some(path)
                    && let Some(header) = units.at(*line)
                    && units.branch_of(header, instance.unit).is_some()
                {
                    self.weights[index] = 1.0;
                }
            }
        }
        end
    }

    fn end(&mut self, instance: usize) {
        let Instance { frame, unit: index } = self.timeline.instances[instance];
        let Some((path, units, unit)) = self.unit(instance) else { return };
        let mut weight = self.weights[instance];
        if self.returns[frame] > 0.0 {
            let share = if matches!(unit.kind, Kind::Return | Kind::Yield) { 1.0 } else { 0.6 };
            weight = weight.max(self.returns[frame] * share);
            self.returns[frame] = 0.0;
        }
        if let Some(control) = self.control.remove(&(frame, index)) {
            weight = weight.max(control);
        }
        for def in &unit.defs {
            let place = self.place(frame, &def.what, path, units);
            let Some(place) = place else { continue };
            if let Some(&live) = self.live.get(&place) {
                weight = weight.max(live);
                if def.kills && matches!(place, Place::Local(..)) {
                    self.live.remove(&place);
                } else {
                    self.live.insert(place, live * EARLIER);
                }
            }
        }
        weight = weight.max(self.untaken(frame, index, unit, path, units));
        self.next[frame] = Some(index);
        self.weights[instance] = weight;
        if weight >= LEAST {
            self.depend(instance, weight);
        }
    }

    /// The weight of a condition for what it did not let happen.
    fn untaken(&self, frame: usize, index: usize, unit: &Unit, path: &RelPath, units: &FileUnits) -> f64 {
        if unit.branches.is_empty() || !matches!(unit.kind, Kind::If | Kind::While | Kind::For | Kind::Arm) {
            return 0.0;
        }
        let taken = self.next[frame].and_then(|next| {
            if unit.branches.iter().any(|b| b.first == Some(next)) {
                return unit.branches.iter().position(|b| b.first == Some(next));
            }
            units.branch_of(index, next)
        });
        let mut weight: f64 = 0.0;
        for (branch, way) in unit.branches.iter().enumerate() {
            if Some(branch) == taken {
                continue;
            }
            for name in &way.defines {
                let place = match name.strip_prefix('.') {
                    Some(attr) => Some(Place::Attr(attr.into())),
                    None => self.place(frame, &Use::Name(name.clone()), path, units),
                };
                if let Some(live) = place.and_then(|place| self.live.get(&place)) {
                    weight = weight.max(live * POTENTIAL);
                }
            }
            if way.leaves {
                weight = weight.max(self.frames[frame] * LEAVING);
            }
            if way.raises && self.missing {
                weight = weight.max(0.8);
            }
        }
        weight
    }

    /// The instance matters: so does what it uses and what it is controlled by.
    fn depend(&mut self, instance: usize, weight: f64) {
        let Instance { frame, .. } = self.timeline.instances[instance];
        let Some((path, units, unit)) = self.unit(instance) else { return };
        for used in &unit.uses {
            self.use_(frame, used, weight * DATA, path, units);
        }
        if let Some((parent, _)) = unit.parent {
            let known = self.control.entry((frame, parent)).or_default();
            *known = known.max(weight * CONTROL);
        }
        self.frames[frame] = self.frames[frame].max(weight);
        let key = (path.clone(), self.timeline.instances[instance].unit);
        let known = self.slice.weights.entry(key).or_default();
        *known = known.max(weight);
    }

    fn use_(&mut self, frame: usize, used: &Use, weight: f64, path: &RelPath, units: &FileUnits) {
        if weight < LEAST {
            return;
        }
        let weight = match used {
            Use::Name(name) if matches!(&**name, "self" | "cls") => weight * RECEIVER,
            _ => weight,
        };
        match self.place(frame, used, path, units) {
            Some(place) => {
                let known = self.live.entry(place).or_default();
                *known = known.max(weight);
            }
            None => {
                if let Use::Name(name) = used {
                    let known = self.slice.globals.entry((path.clone(), name.clone())).or_default();
                    *known = known.max(weight);
                }
            }
        }
        if let Use::Attr(name) = used {
            let known = self.slice.attributes.entry(name.clone()).or_default();
            *known = known.max(weight);
        }
    }

    /// What a name means in a frame; `None` if it is not local to any function.
    fn place(&self, frame: usize, used: &Use, path: &RelPath, units: &FileUnits) -> Option<Place> {
        let name = match used {
            Use::Attr(name) => return Some(Place::Attr(name.clone())),
            Use::Name(name) => name,
        };
        let mut at = Some(frame);
        // Each step goes to an enclosing function's frame, which began before.
        while let Some(index) = at {
            let known = &self.timeline.frames[index];
            let is_own = match known.function.as_deref() {
                Some(function) => units.locals.get(function).is_some_and(|locals| locals.contains(name)),
                None => self.parameter_names(index).iter().any(|parameter| **parameter == **name),
            };
            if is_own {
                return Some(Place::Local(index, name.clone()));
            }
            at = known.lexical;
        }
        let Some(mut outer) = self.timeline.frames[frame].function.as_deref() else {
            // A class body or a module, or something in it.
            return Some(Place::Free(path.clone(), name.clone()));
        };
        while let Some((enclosing, _)) = outer.rsplit_once('.') {
            outer = enclosing;
            if units.locals.get(outer).is_some_and(|locals| locals.contains(name)) {
                return Some(Place::Free(path.clone(), name.clone()));
            }
        }
        None
    }

    fn leave(&mut self, frame: usize) {
        self.next[frame] = None;
        let caller = self.timeline.frames[frame].caller;
        let weight = caller.map_or(0.0, |caller| self.weights[caller]);
        self.returns[frame] = weight * DATA;
        if let Some(caller) = caller {
            self.changed(caller, frame);
        }
    }

    /// What is given to a function may be changed there: `fill(table)`. Its parameters stand for what matters of the
    /// caller's variables.
    fn changed(&mut self, caller: usize, frame: usize) {
        let Some((path, units, unit)) = self.unit(caller) else { return };
        let outer = self.timeline.instances[caller].frame;
        let Some(inner) = self.timeline.frames[frame].function.clone() else { return };
        let short = inner.rsplit('.').next().unwrap_or(&inner);
        let shift = usize::from(self.takes_receiver(frame));
        let is_named = unit.calls.iter().any(|call| *call.name == *short);
        let mut given: Vec<(Name, f64)> = Vec::new();
        // Under whatever name a function that was handed over is called.
        for call in unit.calls.iter().filter(|call| !is_named || *call.name == *short) {
            let by_position = call.positional.iter().enumerate().filter(|_| !call.unpacks);
            let by_position = by_position.filter_map(|(at, uses)| {
                let name = self.parameter_names(frame).get(at + shift)?;
                Some((Name::from(name.as_str()), uses))
            });
            let by_name = call.keywords.iter().map(|(name, uses)| (name.clone(), uses));
            for (name, uses) in by_position.chain(by_name) {
                let [used @ Use::Name(_)] = uses.as_slice() else { continue };
                let live = self.place(outer, used, path, units).and_then(|place| self.live.get(&place));
                if let Some(live) = live {
                    given.push((name, live * CHANGED));
                }
            }
        }
        for (name, weight) in given.into_iter().filter(|(_, weight)| *weight >= LEAST) {
            self.given.insert((frame, name.clone()), weight);
            let known = self.live.entry(Place::Local(frame, name)).or_default();
            *known = known.max(weight);
        }
    }

    fn enter(&mut self, frame: usize) {
        let Some(caller) = self.timeline.frames[frame].caller else { return };
        let parameters = self.parameters(frame);
        let mut any = self.frames[frame] * CALLER;
        for name in &parameters {
            let Some(weight) = self.live.remove(&Place::Local(frame, name.clone())) else { continue };
            // Nothing more is known of it than that it was given.
            let given = self.given.remove(&(frame, name.clone())).unwrap_or(0.0);
            if weight < LEAST || weight <= given {
                continue;
            }
            any = any.max(weight * 0.9);
            self.argument(caller, frame, name, weight);
        }
        let Some((path, units, unit)) = self.unit(caller) else { return };
        let Instance { frame: outer, unit: index } = self.timeline.instances[caller];
        for used in self.handed_over(frame, unit) {
            self.use_(outer, &used, any * DATA, path, units);
        }
        if any > self.weights[caller] {
            self.weights[caller] = any;
            if let Some((parent, _)) = unit.parent {
                let known = self.control.entry((outer, parent)).or_default();
                *known = known.max(any * CONTROL);
            }
            self.frames[outer] = self.frames[outer].max(any);
            let known = self.slice.weights.entry((path.clone(), index)).or_default();
            *known = known.max(any);
        }
    }

    /// What a call depends on that does not name the function it has called: `handlers[kind](text)`, `callback(text)`.
    fn handed_over(&self, frame: usize, unit: &Unit) -> Vec<Use> {
        let function = self.timeline.frames[frame].function.as_deref().unwrap_or_default();
        let mut names = function.rsplit('.');
        let (short, class) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        if unit.calls.iter().any(|call| *call.name == *short || *call.name == *class) {
            return Vec::new();
        }
        let calls = unit.calls.iter();
        calls
            .flat_map(|call| match (call.name.is_empty(), call.receiver.is_empty()) {
                (true, _) => call.receiver.clone(),
                (false, true) => vec![Use::Name(call.name.clone())],
                (false, false) => vec![Use::Attr(call.name.clone())],
            })
            .collect()
    }

    fn parameters(&self, frame: usize) -> Vec<Name> {
        let Some((_, units)) = self.units(frame) else { return Vec::new() };
        let Some(function) = &self.timeline.frames[frame].function else { return Vec::new() };
        let mut names: Vec<Name> = self
            .live
            .keys()
            .filter_map(|place| match place {
                Place::Local(of, name) if *of == frame => Some(name.clone()),
                _ => None,
            })
            .collect();
        names.retain(|name| units.locals.get(function).is_some_and(|locals| locals.contains(name)));
        names.sort();
        names
    }

    /// The parameter `name` of `frame` matters: so does what the calling statement gives for it.
    fn argument(&mut self, caller: usize, frame: usize, name: &Name, weight: f64) {
        let Some((path, units, unit)) = self.unit(caller) else { return };
        let outer = self.timeline.instances[caller].frame;
        let Some(inner) = self.timeline.frames[frame].function.clone() else { return };
        let short = inner.rsplit('.').next().unwrap_or(&inner);
        let position = self.position(frame, name);
        let is_init = matches!(short, "__init__" | "__new__" | "__call__");
        let class = inner.rsplit('.').nth(1).unwrap_or_default();
        let mut sure = false;
        let mut given: Vec<Use> = Vec::new();
        for call in unit.calls.iter().filter(|c| *c.name == *short || (is_init && *c.name == *class)) {
            let method = !call.receiver.is_empty() || is_init;
            let exact = if let Some((_, uses)) = call.keywords.iter().find(|(k, _)| k == name) {
                sure = true;
                Some(uses)
            } else {
                match position {
                    Some(0) if method && matches!(&**name, "self" | "cls") => {
                        sure = true;
                        Some(&call.receiver)
                    }
                    Some(at) if !call.unpacks => {
                        let shift = usize::from(self.takes_receiver(frame));
                        let found = at.checked_sub(shift).and_then(|at| call.positional.get(at));
                        sure |= found.is_some();
                        found
                    }
                    _ => None,
                }
            };
            match exact {
                Some(uses) => given.extend(uses.iter().cloned()),
                None if !call.unpacks => {
                    // Not given: the default counts.
                    self.default(frame, weight);
                    sure = true;
                }
                None => {}
            }
        }
        let factor = if matches!(&**name, "self" | "cls") { RECEIVER } else { 1.0 };
        if sure {
            for used in given {
                self.use_(outer, &used, weight * DATA * factor, path, units);
            }
        } else {
            for used in &unit.uses {
                self.use_(outer, used, weight * DATA * factor * 0.8, path, units);
            }
        }
    }

    /// The position of a parameter among those that can be given by position.
    fn position(&self, frame: usize, name: &str) -> Option<usize> {
        self.parameter_names(frame).iter().position(|parameter| **parameter == *name)
    }

    fn takes_receiver(&self, frame: usize) -> bool {
        self.parameter_names(frame).first().is_some_and(|first| matches!(first.as_str(), "self" | "cls"))
    }

    fn parameter_names(&self, frame: usize) -> &'a [String] {
        self.timeline.codes.get(self.timeline.frames[frame].code).map_or(&[], Vec::as_slice)
    }

    fn default(&mut self, frame: usize, weight: f64) {
        let Some((path, units)) = self.units(frame) else { return };
        let Some(function) = &self.timeline.frames[frame].function else { return };
        if let Some(&def) = units.functions.get(function) {
            let known = self.slice.defaults.entry((path.clone(), def)).or_default();
            *known = known.max(weight * DATA);
        }
    }

    fn finish(mut self) -> Slice {
        // Free names that nothing defined are those of the module.
        let free: Vec<(RelPath, Name, f64)> = self
            .live
            .iter()
            .filter_map(|(place, weight)| match place {
                Place::Free(path, name) => Some((path.clone(), name.clone(), *weight)),
                _ => None,
            })
            .collect();
        for (path, name, weight) in free {
            let known = self.slice.globals.entry((path, name)).or_default();
            *known = known.max(weight);
        }
        self.slice
    }
}
