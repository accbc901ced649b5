//! All requests that a question can mean, divided into finitely many cases.
//!
//! A question gives some variables of a request. Each other variable that the statements ask about is a
//! dimension with a few classes of values. One request for each combination of classes is evaluated by
//! Cedar's engine, so that the answers together are a proof for all requests, not a sample. The number
//! of combinations is bounded; a question that exceeds the bound is not divided.
//!
//! A statement that uses a variable in a way that cannot be divided (see `uses`) becomes a dimension
//! itself: it matches, or it does not match.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicyId, PolicySet, Request, RestrictedExpression,
};
use serde_json::Value;

use super::classes::{Class, classes};
use super::schema::{self, AttributeType, McpAction};
use super::uses::{Uses, Variable};

/// More combinations are not evaluated.
pub(super) const MOST_CASES: usize = 4096;

/// The principal comes from the scope of a policy, so that no clause on it matches. This type is in no
/// schema.
const PRINCIPAL: &str = "PolwardenUnmatched::Scope";

/// A statement, prepared for evaluation.
#[derive(Debug, Clone)]
pub(super) struct StatementModel {
    policy: Policy,
    /// The statement without its conditions.
    head: Option<Policy>,
    pub(super) effect: Effect,
    /// The reason of `@requireApproval`, for a `permit`.
    pub(super) approval: Option<String>,
    /// The actions that the head names; `None` for all.
    actions: Option<BTreeSet<String>>,
    /// Whether the head has a clause on the principal, so that it never matches.
    pub(super) names_principal: bool,
    pub(super) uses: Uses,
}

/// What a question gives of a request.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) action: McpAction,
    pub(super) name: Option<String>,
    pub(super) server: Option<String>,
    /// Attributes with a known value.
    pub(super) attributes: BTreeMap<String, RestrictedExpression>,
    /// The time; `Some(None)` if it is known to be absent.
    pub(super) request_time: Option<Option<RestrictedExpression>>,
    pub(super) arguments: Arguments,
}

/// What is known of the arguments of a call.
#[derive(Debug, Clone)]
pub(super) enum Arguments {
    /// Nothing.
    Unknown,
    /// They are not available.
    Absent,
    /// Some of them; `None` for one that is absent.
    Some(BTreeMap<String, Option<RestrictedExpression>>),
    /// All of them.
    Exactly(BTreeMap<String, RestrictedExpression>),
}

/// What is not known about the requests that a question can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dimension {
    /// The value of a variable.
    Variable(Variable, Vec<Class>),
    /// Whether a statement matches, by its number in the list of statements.
    Statement(usize),
}

/// What is decided in one case.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// For each statement, whether it matches.
    pub(super) matches: Vec<bool>,
    /// For each statement that could not be evaluated, why.
    pub(super) failures: BTreeMap<usize, String>,
}

/// All cases of a question.
#[derive(Debug, Clone)]
pub(super) struct Cases {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) cases: Vec<Case>,
}

impl Dimension {
    /// The number of its classes.
    fn size(&self) -> usize {
        match self {
            Self::Variable(_, classes) => classes.len(),
            Self::Statement(_) => 2,
        }
    }
}

/// The class of each dimension in a case. The last dimension varies fastest.
pub(super) fn classes_of_case(dimensions: &[Dimension], number: usize) -> Vec<usize> {
    let mut rest = number;
    let mut classes = vec![0; dimensions.len()];
    for (at, dimension) in dimensions.iter().enumerate().rev() {
        classes[at] = rest % dimension.size();
        rest /= dimension.size();
    }
    classes
}

/// There are too many cases. Contains the variables that are not known.
#[derive(Debug, Clone)]
pub(super) struct TooManyCases(pub(super) Vec<Variable>);

impl StatementModel {
    pub(super) fn new(policy: &Policy) -> Result<Self, String> {
        let policy = policy.new_id(PolicyId::new("statement"));
        let mut json = policy.to_json().map_err(|error| error.to_string())?;
        let uses = Uses::of_statement(&json);
        let actions = action_names(&json["action"]);
        let names_principal = json["principal"]["op"] != "All";
        json["conditions"] = Value::Array(Vec::new());
        let head = Policy::from_json(Some(PolicyId::new("head")), json).ok();
        let approval = (policy.effect() == Effect::Permit)
            .then(|| policy.annotation(schema::APPROVAL).map(str::to_owned))
            .flatten();
        Ok(Self {
            effect: policy.effect(),
            policy,
            head,
            approval,
            actions,
            names_principal,
            uses,
        })
    }

    /// Whether the head can match requests with this action.
    pub(super) fn is_about(&self, action: McpAction) -> bool {
        let names = |actions: &BTreeSet<String>| actions.contains(action.as_str());
        !self.names_principal && self.actions.as_ref().is_none_or(names)
    }
}

/// The names of the actions of a head, without those of other types; `None` for all actions.
fn action_names(scope: &Value) -> Option<BTreeSet<String>> {
    if scope["op"] == "All" {
        return None;
    }
    let one = std::iter::once(&scope["entity"]);
    let list = scope["entities"].as_array().into_iter().flatten();
    let named = one.chain(list).filter_map(|entity| {
        let entity = entity.get("__entity").unwrap_or(entity);
        (entity["type"] == schema::ACTION).then(|| entity["id"].as_str().map(str::to_owned))?
    });
    Some(named.collect())
}

impl Question {
    /// A question that gives nothing but the action.
    pub(super) fn about(action: McpAction) -> Self {
        Self {
            action,
            name: None,
            server: None,
            attributes: BTreeMap::new(),
            request_time: None,
            arguments: Arguments::Unknown,
        }
    }

    /// Whether the variable has a single known value, or none at all.
    fn is_known(&self, variable: &Variable) -> bool {
        match variable {
            Variable::Name => self.name.is_some(),
            Variable::Server => self.server.is_some() || !self.action.resource().has_server(),
            Variable::Attribute(name) => {
                self.attributes.contains_key(name)
                    || self.action.resource().attribute(name).is_none()
            }
            Variable::Context(path) => {
                let field = path.first().map_or("", String::as_str);
                if !self.action.has_context(field) {
                    return true;
                }
                if field == schema::REQUEST_TIME {
                    return self.request_time.is_some();
                }
                match (&self.arguments, path.get(1)) {
                    (Arguments::Unknown, _) => false,
                    (Arguments::Absent | Arguments::Exactly(_), _) => true,
                    (Arguments::Some(_), None) => true,
                    (Arguments::Some(given), Some(name)) => given.contains_key(name),
                }
            }
        }
    }

    /// Evaluates the statements for all requests that the question can mean.
    pub(super) fn cases(&self, statements: &[&StatementModel]) -> Result<Cases, TooManyCases> {
        self.cases_divided_by(statements, &Uses::default())
    }

    /// Like [`Self::cases`], and also divided by further comparisons. Every variable of `further` that
    /// the question does not give is a dimension.
    pub(super) fn cases_divided_by(
        &self,
        statements: &[&StatementModel],
        further: &Uses,
    ) -> Result<Cases, TooManyCases> {
        let mut uses = further.clone();
        let mut opaque = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            if !statement.is_about(self.action) {
                continue;
            }
            let own = &statement.uses;
            let is_unknown = |variable: &&Variable| !self.is_known(variable);
            if own.reads_other_entities || own.opaque.iter().any(|it| is_unknown(&it)) {
                opaque.push(number);
            }
            uses.add(own);
        }
        let mut dimensions = Vec::new();
        let mut is_bounded = true;
        for (variable, comparisons) in &uses.variables {
            if self.is_known(variable) {
                continue;
            }
            // Statements that use it in another way are dimensions themselves.
            let needed = statements.iter().enumerate().any(|(number, statement)| {
                statement.is_about(self.action)
                    && !opaque.contains(&number)
                    && statement.uses.variables.contains_key(variable)
            });
            // The head of such a statement is evaluated.
            let is_in_head = matches!(variable, Variable::Name | Variable::Server);
            if !needed && !is_in_head && !further.variables.contains_key(variable) {
                continue;
            }
            match classes(self.action, variable, comparisons) {
                Some(found) => dimensions.push(Dimension::Variable(variable.clone(), found)),
                None => is_bounded = false,
            }
        }
        dimensions.extend(opaque.iter().map(|number| Dimension::Statement(*number)));
        let count = dimensions.iter().try_fold(1_usize, |count, dimension| {
            let more = dimension.size();
            count.checked_mul(more).filter(|count| *count <= MOST_CASES)
        });
        let Some(count) = count.filter(|_| is_bounded) else {
            let unknown = uses.variables.keys().filter(|it| !self.is_known(it));
            return Err(TooManyCases(unknown.cloned().collect()));
        };
        let mut evaluator = Evaluator {
            question: self,
            statements,
            dimensions: &dimensions,
            known: HashMap::new(),
        };
        let cases = (0..count).map(|number| evaluator.case(number)).collect();
        Ok(Cases { dimensions, cases })
    }
}

/// Evaluates statements, each only once for the same values of the variables that it reads.
struct Evaluator<'a> {
    question: &'a Question,
    statements: &'a [&'a StatementModel],
    dimensions: &'a [Dimension],
    known: HashMap<(usize, Vec<usize>), (bool, Option<String>)>,
}

impl Evaluator<'_> {
    fn case(&mut self, number: usize) -> Case {
        let classes = classes_of_case(self.dimensions, number);
        let mut matches = Vec::with_capacity(self.statements.len());
        let mut failures = BTreeMap::new();
        let mut instance = None;
        for (at, statement) in self.statements.iter().enumerate() {
            if !statement.is_about(self.question.action) {
                matches.push(false);
                continue;
            }
            let read = |(dimension, class): (&Dimension, &usize)| match dimension {
                Dimension::Variable(variable, _) => statement
                    .uses
                    .variables
                    .contains_key(variable)
                    .then_some(*class),
                Dimension::Statement(number) => (*number == at).then_some(*class),
            };
            let key: Vec<usize> = self
                .dimensions
                .iter()
                .zip(&classes)
                .filter_map(read)
                .collect();
            let free = self
                .dimensions
                .iter()
                .zip(&classes)
                .find_map(|(it, class)| (*it == Dimension::Statement(at)).then_some(*class));
            let found = match self.known.get(&(at, key.clone())) {
                Some(found) => found.clone(),
                None => {
                    let instance = instance
                        .get_or_insert_with(|| self.question.instance(self.dimensions, &classes));
                    let found = match (free, instance) {
                        // Class 0: it matches, if its head does.
                        (Some(0), Ok(instance)) => match &statement.head {
                            Some(head) => instance.evaluate(head),
                            None => (true, None),
                        },
                        (Some(_), _) => (false, None),
                        (None, Ok(instance)) => instance.evaluate(&statement.policy),
                        (_, Err(why)) => (false, Some(why.clone())),
                    };
                    self.known.insert((at, key), found.clone());
                    found
                }
            };
            let (is_match, failure) = found;
            matches.push(is_match);
            failures.extend(failure.map(|why| (at, why)));
        }
        Case { matches, failures }
    }
}

/// One request with its entities.
struct Instance {
    request: Request,
    entities: Entities,
}

impl Instance {
    /// Whether a statement matches, or why it cannot be evaluated.
    fn evaluate(&self, policy: &Policy) -> (bool, Option<String>) {
        let mut set = PolicySet::new();
        if let Err(error) = set.add(policy.clone()) {
            return (false, Some(error.to_string()));
        }
        let response = Authorizer::new().is_authorized(&self.request, &set, &self.entities);
        let diagnostics = response.diagnostics();
        let failure = diagnostics.errors().next().map(|error| {
            let cedar_policy::AuthorizationError::PolicyEvaluationError(error) = error;
            error.inner().to_string()
        });
        (diagnostics.reason().next().is_some(), failure)
    }
}

impl Question {
    /// The request of one case.
    fn instance(&self, dimensions: &[Dimension], chosen: &[usize]) -> Result<Instance, String> {
        let mut values: BTreeMap<&Variable, &Class> = BTreeMap::new();
        for (dimension, class) in dimensions.iter().zip(chosen) {
            if let Dimension::Variable(variable, classes) = dimension {
                values.extend(classes.get(*class).map(|class| (variable, class)));
            }
        }
        let text = |variable: Variable, known: &Option<String>| {
            let class = values.get(&variable).map(|class| class.text().to_owned());
            known.clone().or(class).unwrap_or_else(|| "any".to_owned())
        };
        let kind = self.action.resource();
        let name = text(Variable::Name, &self.name);
        let uid = entity_uid(kind.as_str(), &name)?;
        let mut attributes: HashMap<String, RestrictedExpression> = HashMap::new();
        for attribute in kind.attributes() {
            let class = values.get(&Variable::Attribute(attribute.name.to_owned()));
            let known = self.attributes.get(attribute.name).cloned();
            let value = match attribute.kind {
                AttributeType::Identity => Some(RestrictedExpression::new_string(name.clone())),
                AttributeType::String => known
                    .or_else(|| class.and_then(|class| class.value()))
                    .or_else(|| Some(RestrictedExpression::new_string("any".to_owned()))),
                AttributeType::Bool(default) => known
                    .or_else(|| class.and_then(|class| class.value()))
                    .or_else(|| Some(RestrictedExpression::new_bool(default.unwrap_or(false)))),
                AttributeType::Strings => known
                    .or_else(|| class.and_then(|class| class.value()))
                    .or_else(|| Some(RestrictedExpression::new_set([]))),
            };
            attributes.extend(value.map(|value| (attribute.name.to_owned(), value)));
        }
        let mut parents = HashSet::new();
        let mut entities = Vec::new();
        if kind.has_server() {
            let server = text(Variable::Server, &self.server);
            let server = entity_uid(schema::ResourceType::Server.as_str(), &server)?;
            parents.insert(server.clone());
            entities.push(Entity::new_no_attrs(server, HashSet::new()));
        }
        let resource =
            Entity::new(uid.clone(), attributes, parents).map_err(|error| error.to_string())?;
        entities.push(resource);
        let entities =
            Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        let context = self.context(&values)?;
        let request = Request::new(
            entity_uid(PRINCIPAL, "scope")?,
            entity_uid(schema::ACTION, self.action.as_str())?,
            uid,
            context,
            None,
        );
        Ok(Instance {
            request: request.map_err(|error| error.to_string())?,
            entities,
        })
    }

    fn context(&self, values: &BTreeMap<&Variable, &Class>) -> Result<Context, String> {
        let mut fields = Vec::new();
        if self.action.has_context(schema::REQUEST_TIME) {
            let path = vec![schema::REQUEST_TIME.to_owned()];
            let time = match &self.request_time {
                Some(known) => known.clone(),
                None => field_value(&path, values, &BTreeMap::new())?
                    .or_else(|| Some(RestrictedExpression::new_long(0))),
            };
            fields.extend(time.map(|time| (schema::REQUEST_TIME.to_owned(), time)));
        }
        if self.action.has_context(schema::ARGS) {
            let path = vec![schema::ARGS.to_owned()];
            let record = |given| RestrictedExpression::new_record(given).map_err(|e| e.to_string());
            let args = match &self.arguments {
                Arguments::Absent => None,
                Arguments::Unknown => field_value(&path, values, &BTreeMap::new())?,
                Arguments::Exactly(given) => Some(record(given.clone())?),
                Arguments::Some(given) => {
                    let present = given
                        .iter()
                        .filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
                    let object = object(&path, values, &present.collect())?;
                    Some(object)
                }
            };
            fields.extend(args.map(|args| (schema::ARGS.to_owned(), args)));
        }
        Context::from_pairs(fields).map_err(|error| error.to_string())
    }
}

/// The value of a field of the context in one case.
fn field_value(
    path: &[String],
    values: &BTreeMap<&Variable, &Class>,
    given: &BTreeMap<String, RestrictedExpression>,
) -> Result<Option<RestrictedExpression>, String> {
    match values.get(&Variable::Context(path.to_vec())) {
        None | Some(Class::Absent) => Ok(None),
        Some(Class::Object) => object(path, values, given).map(Some),
        Some(class) => Ok(class.value()),
    }
}

/// An object: the given fields, and those that are variables.
fn object(
    path: &[String],
    values: &BTreeMap<&Variable, &Class>,
    given: &BTreeMap<String, RestrictedExpression>,
) -> Result<RestrictedExpression, String> {
    let mut fields = given.clone();
    for variable in values.keys() {
        let Variable::Context(other) = variable else {
            continue;
        };
        if other.len() == path.len() + 1
            && other.starts_with(path)
            && let Some(name) = other.last()
        {
            let value = field_value(other, values, &BTreeMap::new())?;
            fields.extend(value.map(|value| (name.clone(), value)));
        }
    }
    RestrictedExpression::new_record(fields).map_err(|error| error.to_string())
}

fn entity_uid(kind: &str, name: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}
