//! From the recorded steps of a test to its timeline: frames, and in them one instance of a statement after the
//! other.

use std::collections::HashMap;
use std::sync::Arc;

use super::trace::TestTrace;
use super::units::FileUnits;
use crate::model::RelPath;

const CALL: i64 = -1;
const RETURN: i64 = -2;
const YIELD: i64 = -3;
const RESUME: i64 = -4;
const UNWIND: i64 = -5;

/// The units of the files that a run has touched.
pub type Files = HashMap<RelPath, Arc<FileUnits>>;

/// Something on the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instance of a statement begins.
    Begin(usize),
    /// It is over.
    End(usize),
    /// A frame begins or goes on.
    Enter(usize),
    /// A frame returns (or yields) value number so and so.
    Leave(usize, u32),
    /// An exception leaves a frame.
    Unwind(usize),
}

/// A statement as it was executed once.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    /// Index of its frame.
    pub frame: usize,
    /// Index of the unit in the frame's file.
    pub unit: usize,
}

/// A function's execution.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Its file, if that has units.
    pub file: Option<RelPath>,
    /// Index of its code in the trace.
    pub code: usize,
    /// The qualified name of its function in the file, if it is one.
    pub function: Option<Arc<str>>,
    /// The instance that called it, or made it go on last.
    pub caller: Option<usize>,
    /// Numbers of its arguments' values, in the order of the parameters.
    pub arguments: Vec<u32>,
    /// Number of the value it returned (or yielded last).
    pub returned: u32,
    /// Calls above it within the recorded code.
    pub depth: usize,
    /// The frame of the enclosing function, whose variables a nested function, a lambda or a comprehension sees.
    pub lexical: Option<usize>,
    current: Option<usize>,
    /// A comprehension or generator expression of the calling statement.
    transparent: bool,
}

/// What one test did.
#[derive(Debug, Default)]
pub struct Timeline {
    /// In order of time, properly nested.
    pub moments: Vec<Moment>,
    /// Statements executed.
    pub instances: Vec<Instance>,
    /// Frames.
    pub frames: Vec<Frame>,
    /// Names of the parameters of each code.
    pub codes: Vec<Vec<String>>,
}

struct Replay<'a> {
    trace: &'a TestTrace,
    files: &'a Files,
    timeline: Timeline,
    /// Frames by their number.
    numbered: HashMap<u32, usize>,
    stack: Vec<usize>,
    /// The last frame of each function.
    latest: HashMap<(RelPath, Arc<str>), usize>,
}

impl Timeline {
    /// Replays the steps of `trace`.
    pub fn of(trace: &TestTrace, files: &Files) -> Self {
        let mut replay = Replay {
            trace,
            files,
            timeline: Self {
                codes: trace.codes.iter().map(|(_, code)| code.args.clone()).collect(),
                ..Self::default()
            },
            numbered: HashMap::new(),
            stack: Vec::new(),
            latest: HashMap::new(),
        };
        for (index, part) in trace.parts.iter().enumerate() {
            if index == 0 {
                for &(number, code) in &part.stack {
                    replay.enter(number, code as usize, Vec::new());
                }
            }
            replay.part(part.next, &part.steps);
        }
        while let Some(&frame) = replay.stack.last() {
            replay.end_current(frame);
            replay.stack.pop();
        }
        replay.timeline
    }
}

impl Replay<'_> {
    fn part(&mut self, mut next: u32, steps: &[i64]) {
        let mut steps = steps.iter().copied();
        let number = |value: Option<i64>| value.and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
        while let Some(step) = steps.next() {
            match step {
                CALL => {
                    let code = number(steps.next()) as usize;
                    let count = number(steps.next()).min(64);
                    let arguments = (0..count).map(|_| number(steps.next())).collect();
                    self.enter(next, code, arguments);
                    next = next.saturating_add(1);
                }
                RETURN | YIELD => {
                    let value = number(steps.next());
                    if let Some(frame) = self.stack.pop() {
                        self.end_current(frame);
                        self.timeline.frames[frame].returned = value;
                        self.timeline.moments.push(Moment::Leave(frame, value));
                    }
                }
                RESUME => {
                    let (frame, code) = (number(steps.next()), number(steps.next()) as usize);
                    if !self.numbered.contains_key(&frame) {
                        next = next.max(frame.saturating_add(1));
                    }
                    self.enter(frame, code, Vec::new());
                }
                UNWIND => {
                    if let Some(frame) = self.stack.pop() {
                        self.end_current(frame);
                        self.timeline.moments.push(Moment::Unwind(frame));
                    }
                }
                line => {
                    if let Ok(line) = u32::try_from(line) {
                        self.line(line);
                    }
                }
            }
        }
    }

    fn enter(&mut self, number: u32, code: usize, arguments: Vec<u32>) {
        let caller = self.stack.last().and_then(|&frame| self.current(frame));
        let depth = self.stack.len();
        let known = self.numbered.get(&number).copied();
        let index = known.unwrap_or_else(|| {
            let index = self.timeline.frames.len();
            let mut frame = Frame { code, arguments, depth, ..Frame::default() };
            if let Some((path, code)) = self.trace.codes.get(code) {
                let last = code.name.rsplit('.').next().unwrap_or_default();
                frame.transparent = matches!(last, "<listcomp>" | "<setcomp>" | "<dictcomp>" | "<genexpr>");
                let is_function = !last.starts_with('<');
                if let Some((path, units)) = path.as_ref().and_then(|path| self.files.get_key_value(path)) {
                    let unit = units.at(code.line);
                    frame.function = unit.filter(|_| is_function).and_then(|unit| {
                        units.functions.iter().find(|(_, at)| **at == unit).map(|(name, _)| Arc::clone(name))
                    });
                    let outer = match &frame.function {
                        Some(function) => function
                            .rsplit_once('.')
                            .and_then(|(outer, _)| units.functions.get_key_value(outer))
                            .map(|(name, _)| Arc::clone(name)),
                        None => unit.and_then(|unit| units.units[unit].function.clone()),
                    };
                    frame.lexical = outer.and_then(|outer| self.enclosing(path, &outer));
                    if let Some(function) = &frame.function {
                        self.latest.insert((path.clone(), Arc::clone(function)), index);
                    }
                }
                frame.file.clone_from(path);
            }
            self.timeline.frames.push(frame);
            self.numbered.insert(number, index);
            index
        });
        self.timeline.frames[index].caller = caller;
        self.stack.push(index);
        self.timeline.moments.push(Moment::Enter(index));
    }

    /// The frame of `function` whose variables something within it sees: where it runs that one, else the last.
    fn enclosing(&self, path: &RelPath, function: &Arc<str>) -> Option<usize> {
        let running = self.stack.iter().rev().copied().find(|&frame| {
            let frame = &self.timeline.frames[frame];
            frame.file.as_ref() == Some(path) && frame.function.as_ref() == Some(function)
        });
        running.or_else(|| self.latest.get(&(path.clone(), Arc::clone(function))).copied())
    }

    /// The statement that a frame is at: for a comprehension that of the frame around it.
    fn current(&self, frame: usize) -> Option<usize> {
        let own = &self.timeline.frames[frame];
        own.current.or(if own.transparent { own.caller } else { None })
    }

    fn end_current(&mut self, frame: usize) {
        if let Some(instance) = self.timeline.frames[frame].current.take() {
            self.timeline.moments.push(Moment::End(instance));
        }
    }

    fn line(&mut self, line: u32) {
        let Some(&index) = self.stack.last() else { return };
        let frame = &self.timeline.frames[index];
        let Some(units) = frame.file.as_ref().and_then(|path| self.files.get(path)) else { return };
        let Some(unit) = units.at(line) else { return };
        let same_as = |instance: usize| {
            let at = self.timeline.instances[instance];
            at.unit == unit && self.timeline.frames[at.frame].file == frame.file
        };
        if frame.current.is_some_and(same_as) {
            return;
        }
        // The line belongs to the statement that the comprehension is part of.
        if frame.transparent && frame.current.is_none() && frame.caller.is_some_and(same_as) {
            return;
        }
        self.end_current(index);
        let instance = self.timeline.instances.len();
        self.timeline.instances.push(Instance { frame: index, unit });
        self.timeline.frames[index].current = Some(instance);
        self.timeline.moments.push(Moment::Begin(instance));
    }
}
