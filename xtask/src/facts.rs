//! What one Rust file defines, imports and names, as plain data that threads can pass on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow};
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Item, Meta, Pat, UseTree};

/// The facts about one file. Code under `#[cfg(test)]` only counts where a field says so.
#[derive(Debug, Default)]
pub struct Facts {
    /// The file's own module first, then its inline modules.
    pub scopes: Vec<ModuleScope>,
    /// Lines with `pub(in …)`, tests included.
    pub restricted: Vec<usize>,
    /// Lines with `let (a, b) = (x, y)`, tests included.
    pub tuple_lets: Vec<usize>,
    /// Identifiers and string literals of product code, with their first lines.
    pub words: BTreeMap<String, usize>,
}

/// A module as far as one file defines it.
#[derive(Debug, Default)]
pub struct ModuleScope {
    /// Index of the inline module's parent in [`Facts::scopes`].
    pub parent: Option<usize>,
    /// Empty for the module of the file.
    pub name: String,
    /// `mod name;`, with the text of `#[path]`.
    pub declared: Vec<(String, Option<String>)>,
    /// What the module defines.
    pub items: Vec<Definition>,
    /// Flattened `use` items, those inside of functions included.
    pub imports: Vec<ImportedName>,
    /// All other paths, with their first lines.
    pub paths: BTreeMap<Vec<String>, usize>,
}

/// A named item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// `struct`, `enum`, `trait`, `type`, `fn`, `method`, `mod` or `other`.
    pub kind: &'static str,
    /// Its line.
    pub line: usize,
}

impl Definition {
    /// Whether the item can be the qualifier of a path (`Type::new`).
    pub fn is_type(&self) -> bool {
        matches!(self.kind, "struct" | "enum" | "trait" | "type")
    }
}

/// One imported name.
#[derive(Debug, Clone)]
pub struct ImportedName {
    /// The name in this module; `None` for a glob.
    pub name: Option<String>,
    /// What is imported. A path that starts with `::` has an empty first segment.
    pub path: Vec<String>,
    /// Its line.
    pub line: usize,
}

/// Reads the facts from the text of a file.
///
/// # Errors
/// If the text is not valid Rust.
pub fn read(path: &str, text: &str) -> Result<Facts> {
    let describe = |error: syn::Error| {
        let at = error.span().start();
        anyhow!("{path}:{}:{}: {error}", at.line, at.column + 1)
    };
    let file = syn::parse_file(text)
        .map_err(describe)
        .context("cannot parse Rust code")?;
    let mut reader = FactReader::default();
    reader.facts.scopes.push(ModuleScope::default());
    reader.visit_file(&file);
    Ok(reader.facts)
}

#[derive(Default)]
struct FactReader {
    facts: Facts,
    scope: usize,
    /// Inside of code that only tests use.
    test: bool,
}

fn line(span: Span) -> usize {
    span.start().line
}

impl FactReader {
    fn scope(&mut self) -> &mut ModuleScope {
        &mut self.facts.scopes[self.scope]
    }

    fn path(&mut self, path: Vec<String>, line: usize) {
        if !self.test {
            self.scope().paths.entry(path).or_insert(line);
        }
    }

    fn word(&mut self, word: String, line: usize) {
        if !self.test {
            self.facts.words.entry(word).or_insert(line);
        }
    }

    fn define(&mut self, name: &Ident, kind: &'static str) {
        let definition = Definition {
            name: name.to_string(),
            kind,
            line: line(name.span()),
        };
        if !self.test {
            self.scope().items.push(definition);
        }
    }

    /// Visits something, as test code if its attributes say so.
    fn with(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let outer = self.test;
        self.test |= attributes.iter().any(is_test);
        visit(self);
        self.test = outer;
    }

    fn import(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        let (name, last, at) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(&path.tree, prefix);
                prefix.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix);
                }
                return;
            }
            UseTree::Name(name) => (Some(&name.ident), Some(&name.ident), name.span()),
            UseTree::Rename(name) => (Some(&name.rename), Some(&name.ident), name.span()),
            UseTree::Glob(glob) => (None, None, glob.span()),
        };
        let mut path = prefix.clone();
        path.extend(last.map(Ident::to_string).filter(|last| last != "self"));
        let name = name.map(Ident::to_string).map(|name| match path.last() {
            Some(last) if name == "self" => last.clone(),
            _ => name,
        });
        let line = line(at);
        self.scope().imports.push(ImportedName { name, path, line });
    }

    /// Finds paths and words in tokens that syn does not parse: arguments of macros.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut start = 0;
        let mut colons = 0;
        let mut previous = '\0';
        for token in tokens {
            let mut current = '\0';
            match token {
                TokenTree::Ident(ident) => {
                    // `$name::x`: only the caller of the macro knows what `$name` is.
                    let is_parameter = previous == '$' && ident != "crate";
                    if colons != 2 || path.is_empty() {
                        self.path(std::mem::take(&mut path), start);
                        start = line(ident.span());
                    }
                    self.word(ident.to_string(), line(ident.span()));
                    path.push(if is_parameter {
                        "$".into()
                    } else {
                        ident.to_string()
                    });
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Punct(punct) => {
                    current = punct.as_char();
                    colons = 0;
                    self.path(std::mem::take(&mut path), start);
                }
                TokenTree::Literal(literal) => {
                    self.literal(&literal);
                    colons = 0;
                    self.path(std::mem::take(&mut path), start);
                }
                TokenTree::Group(group) => {
                    colons = 0;
                    self.path(std::mem::take(&mut path), start);
                    let starts_in = group.delimiter() == Delimiter::Parenthesis
                        && matches!(group.stream().into_iter().next(),
                            Some(TokenTree::Ident(ident)) if ident == "in");
                    if starts_in {
                        self.facts.restricted.push(line(group.span()));
                    }
                    self.tokens(group.stream());
                }
            }
            previous = current;
        }
        self.path(path, start);
    }

    fn literal(&mut self, literal: &Literal) {
        if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
            self.word(text.value(), line(literal.span()));
        }
    }
}

/// `#[test]`, and `#[cfg(…)]` that names `test` outside of `not(…)`.
fn is_test(attribute: &Attribute) -> bool {
    fn names_test(tokens: TokenStream) -> bool {
        let mut negated = false;
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => {
                negated = ident == "not";
                ident == "test"
            }
            TokenTree::Group(group) => !negated && names_test(group.stream()),
            _ => false,
        })
    }
    match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) => list.path.is_ident("cfg") && names_test(list.tokens.clone()),
        Meta::NameValue(_) => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for FactReader {
    fn visit_item(&mut self, item: &'ast Item) {
        self.with(attributes(item), |reader| {
            match item {
                Item::Const(it) => reader.define(&it.ident, "other"),
                Item::Static(it) => reader.define(&it.ident, "other"),
                Item::Enum(it) => reader.define(&it.ident, "enum"),
                Item::Fn(it) => reader.define(&it.sig.ident, "fn"),
                Item::Struct(it) => reader.define(&it.ident, "struct"),
                Item::Union(it) => reader.define(&it.ident, "struct"),
                Item::Trait(it) => reader.define(&it.ident, "trait"),
                Item::Type(it) => reader.define(&it.ident, "type"),
                Item::Mod(it) => reader.define(&it.ident, "mod"),
                Item::Macro(it) => it.ident.iter().for_each(|it| reader.define(it, "other")),
                _ => {}
            }
            visit::visit_item(reader, item);
        });
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_none() {
            let path = module.attrs.iter().find_map(path_attribute);
            if !self.test {
                self.scope().declared.push((name, path));
            }
            return;
        }
        let outer = self.scope;
        self.facts.scopes.push(ModuleScope {
            parent: Some(outer),
            name,
            ..ModuleScope::default()
        });
        self.scope = self.facts.scopes.len() - 1;
        visit::visit_item_mod(self, module);
        self.scope = outer;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !self.test {
            let mut prefix = Vec::new();
            prefix.extend(item.leading_colon.map(|_| String::new()));
            self.import(&item.tree, &mut prefix);
        }
        visit::visit_item_use(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.with(&function.attrs, |reader| {
            reader.define(&function.sig.ident, "method");
            visit::visit_impl_item_fn(reader, function);
        });
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.with(&function.attrs, |reader| {
            reader.define(&function.sig.ident, "method");
            visit::visit_trait_item_fn(reader, function);
        });
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let (Pat::Tuple(_), Some(init)) = (&local.pat, &local.init)
            && matches!(&*init.expr, Expr::Tuple(_))
        {
            self.facts.tuple_lets.push(line(local.let_token.span()));
        }
        self.with(&local.attrs, |reader| visit::visit_local(reader, local));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.with(&field.attrs, |reader| visit::visit_field(reader, field));
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.with(&variant.attrs, |reader| {
            visit::visit_variant(reader, variant)
        });
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.with(&arm.attrs, |reader| visit::visit_arm(reader, arm));
    }

    fn visit_vis_restricted(&mut self, restricted: &'ast syn::VisRestricted) {
        if restricted.in_token.is_some() {
            self.facts
                .restricted
                .push(line(restricted.pub_token.span()));
        }
        visit::visit_vis_restricted(self, restricted);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = Vec::new();
        segments.extend(path.leading_colon.map(|_| String::new()));
        segments.extend(path.segments.iter().map(|it| it.ident.to_string()));
        self.path(segments, line(path.span()));
        visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, ident: &'ast Ident) {
        self.word(ident.to_string(), line(ident.span()));
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.word(literal.value(), line(literal.span()));
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        visit::visit_macro(self, mac);
        self.tokens(mac.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => {
                self.tokens(list.tokens.clone());
                // `#[serde(with = "super::text")]` is a path too.
                for literal in literals(list.tokens.clone()) {
                    if literal.contains("::")
                        && let Ok(path) = syn::parse_str::<syn::Path>(&literal)
                    {
                        let segments = path.segments.iter().map(|it| it.ident.to_string());
                        let path: Vec<String> = segments.collect();
                        // `with` names a module; these are the functions that serde calls in it.
                        for function in ["serialize", "deserialize"] {
                            let path = path.iter().cloned().chain([function.to_owned()]);
                            self.path(path.collect(), line(attribute.span()));
                        }
                        self.path(path, line(attribute.span()));
                    }
                }
            }
            // Documentation may name anything.
            Meta::Path(_) | Meta::NameValue(_) => {}
        }
    }
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(literal) = &pair.value else {
        return None;
    };
    match &literal.lit {
        syn::Lit::Str(text) if pair.path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}

fn literals(tokens: TokenStream) -> BTreeSet<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => literals(group.stream()),
            TokenTree::Literal(literal) => syn::parse_str::<syn::LitStr>(&literal.to_string())
                .map(|text| text.value())
                .into_iter()
                .collect(),
            _ => BTreeSet::new(),
        })
        .collect()
}
