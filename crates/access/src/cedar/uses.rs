//! What the conditions of a statement ask about a request, and how.
//!
//! A request is described by variables: the name of the resource, its server, its attributes, the
//! fields of the context. A statement compares a variable with constants, or uses it in another way. If
//! all uses of a variable are comparisons with constants, its values fall into finitely many classes
//! that no statement distinguishes further (see `classes`). A variable with another use is *opaque*:
//! nothing is claimed about single values of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::globs::{Glob, GlobPart};
use super::schema::{self, AttributeType, ResourceType};
use super::times;

/// A part of a request that a statement can ask about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Variable {
    /// The name of the resource: its entity ID, and `name` or `uri`.
    Name,
    /// The registered name of the server that the resource is in.
    Server,
    /// An attribute of the resource.
    Attribute(String),
    /// A field of the context, and a field of that, and so on.
    Context(Vec<String>),
}

/// The constants that a variable is compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparisons {
    /// Numbers.
    pub(super) longs: BTreeSet<i64>,
    /// Dates, in milliseconds since 1970; only for the time of a request.
    pub(super) times: BTreeSet<i64>,
    /// Strings and patterns.
    pub(super) strings: BTreeSet<Glob>,
    /// Whether it is used as a truth value.
    pub(super) bools: bool,
    /// Members of sets; `None` if it is not used as a set.
    pub(super) members: Option<BTreeSet<String>>,
    /// Whether a field of it is read.
    pub(super) fields: bool,
}

/// All uses of variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Uses {
    /// The variables with their comparisons.
    pub(super) variables: BTreeMap<Variable, Comparisons>,
    /// The variables that are used in another way.
    pub(super) opaque: BTreeSet<Variable>,
    /// Whether attributes of an entity other than the resource are read.
    pub(super) reads_other_entities: bool,
}

impl Comparisons {
    fn add(&mut self, other: &Self) {
        let Self {
            longs,
            times,
            strings,
            bools,
            members,
            fields,
        } = other;
        self.longs.extend(longs);
        self.times.extend(times);
        self.strings.extend(strings.iter().cloned());
        self.bools |= bools;
        self.fields |= fields;
        if let Some(members) = members {
            let own = self.members.get_or_insert_default();
            own.extend(members.iter().cloned());
        }
    }
}

impl Uses {
    /// The uses of all conditions and of the head of a statement, in Cedar's JSON format.
    pub(super) fn of_statement(statement: &Value) -> Self {
        let mut uses = Self::default();
        uses.scope(&statement["resource"]);
        for condition in statement["conditions"].as_array().into_iter().flatten() {
            uses.visit(&condition["body"], true);
        }
        uses
    }

    /// Adds all uses of another statement.
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            variables,
            opaque,
            reads_other_entities,
        } = other;
        for (variable, comparisons) in variables {
            let own = self.variables.entry(variable.clone()).or_default();
            own.add(comparisons);
        }
        self.opaque.extend(opaque.iter().cloned());
        self.reads_other_entities |= reads_other_entities;
    }

    /// The constraint of the resource in the head.
    fn scope(&mut self, scope: &Value) {
        for entity in [&scope["entity"], &scope["in"]["entity"]] {
            self.member_of(entity);
        }
    }

    /// `resource` is compared with this entity, or whether it is in it.
    fn member_of(&mut self, entity: &Value) {
        let entity = entity.get("__entity").unwrap_or(entity);
        let (Some(kind), Some(id)) = (entity["type"].as_str(), entity["id"].as_str()) else {
            return;
        };
        // Entities of other types have no connection with any resource.
        let Some(kind) = ResourceType::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
        else {
            return;
        };
        self.compare(&Variable::Name)
            .strings
            .insert(Glob::literal(id));
        if kind == ResourceType::Server {
            let server = self.compare(&Variable::Server);
            server.strings.insert(Glob::literal(id));
        }
    }

    pub(super) fn compare(&mut self, variable: &Variable) -> &mut Comparisons {
        // Whether a field exists depends on what contains it.
        if let Variable::Context(path) = variable {
            for length in 1..path.len() {
                let parent = Variable::Context(path[..length].to_vec());
                self.variables.entry(parent).or_default().fields = true;
            }
        }
        self.variables.entry(variable.clone()).or_default()
    }

    fn opaque(&mut self, variable: Variable) {
        self.compare(&variable);
        self.opaque.insert(variable);
    }

    /// An expression, used as a truth value or in another way.
    fn visit(&mut self, expression: &Value, is_truth_value: bool) {
        if let Some(variable) = variable(expression) {
            if is_truth_value {
                self.compare(&variable).bools = true;
            } else {
                self.opaque(variable);
            }
            return;
        }
        let Some((operator, operands)) = operator(expression) else {
            return;
        };
        let left = &operands["left"];
        let right = &operands["right"];
        match operator {
            "Value" => {}
            "Var" => match operands.as_str() {
                Some("resource") => {
                    self.opaque(Variable::Name);
                    self.opaque(Variable::Server);
                }
                Some("context") => self.reads_other_entities = true,
                _ => {}
            },
            "&&" | "||" => {
                self.visit(left, true);
                self.visit(right, true);
            }
            "!" => self.visit(&operands["arg"], true),
            "if-then-else" => {
                self.visit(&operands["if"], true);
                self.visit(&operands["then"], is_truth_value);
                self.visit(&operands["else"], is_truth_value);
            }
            "==" | "!=" => self.equality(left, right),
            "<" | "<=" | ">" | ">=" => self.order(left, right),
            "like" => match variable(left) {
                Some(variable) => {
                    let pattern = pattern(&operands["pattern"]);
                    self.compare(&variable).strings.insert(pattern);
                }
                None => self.visit(left, false),
            },
            "has" => self.presence(operands),
            "in" if is_var(left, "resource") => self.membership(right),
            "is" if is_var(left, "resource") => {
                if !operands["in"].is_null() {
                    self.membership(&operands["in"]);
                }
            }
            "contains" | "containsAll" | "containsAny" => self.contains(operator, left, right),
            "isEmpty" => match variable(&operands["arg"]) {
                Some(variable) => {
                    self.compare(&variable).members.get_or_insert_default();
                }
                None => self.visit(&operands["arg"], false),
            },
            "." => {
                // An attribute of something other than the resource and the context.
                self.reads_other_entities |= !is_var(left, "principal");
                self.visit(left, false);
            }
            _ => self.visit_all(operands),
        }
    }

    /// All expressions in the operands of an operator, used in any way.
    fn visit_all(&mut self, operands: &Value) {
        match operands {
            Value::Array(items) => items.iter().for_each(|item| self.visit(item, false)),
            Value::Object(fields) => fields.values().for_each(|item| self.visit(item, false)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn equality(&mut self, left: &Value, right: &Value) {
        for (side, other) in [(left, right), (right, left)] {
            if is_var(side, "resource")
                && let Some(entity) = literal(other)
            {
                return self.member_of(&entity);
            }
            let Some(variable) = variable(side) else {
                continue;
            };
            if let Some(time) = time_constant(&variable, other) {
                self.compare(&variable).times.insert(time);
                return;
            }
            match literal(other) {
                Some(value) if self.constant(&variable, &value) => return,
                Some(_) | None => {}
            }
        }
        self.visit(left, false);
        self.visit(right, false);
    }

    /// Records a comparison for equality. Returns false for constants that are not supported.
    fn constant(&mut self, variable: &Variable, value: &Value) -> bool {
        match value {
            Value::String(text) => {
                let glob = Glob::literal(text);
                self.compare(variable).strings.insert(glob);
            }
            Value::Bool(_) => self.compare(variable).bools = true,
            Value::Number(number) => match number.as_i64() {
                Some(number) => {
                    self.compare(variable).longs.insert(number);
                }
                None => return false,
            },
            Value::Null | Value::Array(_) | Value::Object(_) => return false,
        }
        true
    }

    fn order(&mut self, left: &Value, right: &Value) {
        for (side, other) in [(left, right), (right, left)] {
            let Some(variable) = variable(side) else {
                continue;
            };
            if let Some(number) = literal(other).and_then(|value| value.as_i64()) {
                self.compare(&variable).longs.insert(number);
                return;
            }
            if let Some(time) = time_constant(&variable, other) {
                self.compare(&variable).times.insert(time);
                return;
            }
        }
        self.visit(left, false);
        self.visit(right, false);
    }

    /// `has`, whose attribute may be a path.
    fn presence(&mut self, operands: &Value) {
        let left = &operands["left"];
        let names: Vec<&str> = match &operands["attr"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if is_var(left, "principal") || names.is_empty() {
            return;
        }
        let base = if is_var(left, "context") {
            Some(Variable::Context(Vec::new()))
        } else {
            variable(left)
        };
        match base {
            Some(Variable::Context(mut path)) => {
                path.extend(names.iter().map(|name| (*name).to_owned()));
                self.compare(&Variable::Context(path));
            }
            // Whether an attribute exists is decided by the type of the resource.
            Some(Variable::Name | Variable::Server | Variable::Attribute(_)) => {}
            None if is_var(left, "resource") => {}
            None => {
                self.reads_other_entities = true;
                self.visit(left, false);
            }
        }
    }

    /// `resource in …`
    fn membership(&mut self, right: &Value) {
        if let Some(entity) = literal(right) {
            return self.member_of(&entity);
        }
        if let Some(("Set", Value::Array(items))) = operator(right) {
            let entities: Option<Vec<Value>> = items.iter().map(literal).collect();
            if let Some(entities) = entities {
                return entities.iter().for_each(|entity| self.member_of(entity));
            }
        }
        self.opaque(Variable::Name);
        self.opaque(Variable::Server);
        self.visit(right, false);
    }

    fn contains(&mut self, operator_name: &str, left: &Value, right: &Value) {
        let strings = |value: &Value| -> Option<Vec<String>> {
            let (_, items) = operator(value).filter(|(name, _)| *name == "Set")?;
            let items = items.as_array()?.iter();
            items
                .map(|item| literal(item)?.as_str().map(str::to_owned))
                .collect()
        };
        let constants = match operator_name {
            "contains" => {
                literal(right).and_then(|value| value.as_str().map(|text| vec![text.to_owned()]))
            }
            _ => strings(right),
        };
        if let (Some(variable), Some(constants)) = (variable(left), constants) {
            let members = self.compare(&variable).members.get_or_insert_default();
            members.extend(constants);
            return;
        }
        // A set of constants contains a variable.
        if operator_name == "contains"
            && let Some(variable) = variable(right)
            && let Some(("Set", Value::Array(items))) = operator(left)
        {
            let literals: Option<Vec<Value>> = items.iter().map(literal).collect();
            if let Some(literals) = literals {
                let known = literals
                    .iter()
                    .all(|literal| self.constant(&variable, literal));
                if known {
                    return;
                }
            }
        }
        self.visit(left, false);
        self.visit(right, false);
    }
}

/// The operator of an expression with its operands.
fn operator(expression: &Value) -> Option<(&str, &Value)> {
    let fields = expression.as_object()?;
    fields
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
}

fn is_var(expression: &Value, name: &str) -> bool {
    operator(expression)
        .is_some_and(|(operator, operand)| operator == "Var" && operand.as_str() == Some(name))
}

/// The constant of an expression.
fn literal(expression: &Value) -> Option<Value> {
    match operator(expression)? {
        ("Value", value) => Some(value.clone()),
        ("neg", operands) => {
            let number = literal(&operands["arg"])?.as_i64()?;
            Some(Value::from(number.checked_neg()?))
        }
        _ => None,
    }
}

/// A constant date that the time of a request is compared with, in milliseconds since 1970. Arguments
/// are JSON values, which are never dates.
fn time_constant(variable: &Variable, expression: &Value) -> Option<i64> {
    if *variable != Variable::Context(vec![schema::REQUEST_TIME.to_owned()]) {
        return None;
    }
    let ("datetime", Value::Array(arguments)) = operator(expression)? else {
        return None;
    };
    times::milliseconds(literal(arguments.first()?)?.as_str()?)
}

/// The variable that an expression reads: `resource.x`, `context.x.y`.
fn variable(expression: &Value) -> Option<Variable> {
    let (operator, operands) = operator(expression)?;
    if operator != "." {
        return None;
    }
    let name = operands["attr"].as_str()?;
    let left = &operands["left"];
    if is_var(left, "resource") {
        let is_identity = ResourceType::ALL.into_iter().any(|kind| {
            let known = kind.attribute(name);
            known.is_some_and(|known| known.kind == AttributeType::Identity)
        });
        return Some(if is_identity {
            Variable::Name
        } else {
            Variable::Attribute(name.to_owned())
        });
    }
    if is_var(left, "context") {
        return Some(Variable::Context(vec![name.to_owned()]));
    }
    match variable(left)? {
        Variable::Context(mut path) => {
            path.push(name.to_owned());
            Some(Variable::Context(path))
        }
        Variable::Name | Variable::Server | Variable::Attribute(_) => None,
    }
}

fn pattern(parts: &Value) -> Glob {
    let mut glob = Glob::default();
    for part in parts.as_array().into_iter().flatten() {
        match part["Literal"].as_str() {
            Some(text) => glob.0.extend(text.chars().map(GlobPart::Char)),
            None => glob.0.push(GlobPart::Wildcard),
        }
    }
    glob
}
