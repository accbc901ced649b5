//! The tables of the canonical order agree with the types that deserialize the files.

use serde_json::Value;

use crate::format::shape::{self, HTTP_RESOURCE, SetElements, Shape};
use crate::schema;

#[test]
fn every_kind_has_a_shape_in_the_order_of_its_schema() {
    // Documents of Chainloop have no canonical form because the digest of their bytes identifies
    // them.
    let formatted = |name: &str| name != schema::UNION && !name.starts_with("chainloop-");
    for file in schema::all().iter().filter(|file| formatted(file.name)) {
        let schema: Value = serde_json::from_str(&file.text).unwrap();
        let text = |name: &str| {
            let property = &schema["properties"][name];
            property["const"]
                .as_str()
                .or(property["enum"][0].as_str())
                .unwrap_or_else(|| panic!("{property}"))
                .to_owned()
        };
        let version = text("apiVersion");
        let kind = text("kind");
        let shape =
            shape::find(&version, &kind).unwrap_or_else(|| panic!("no shape for {version} {kind}"));
        compare(shape, &schema, &kind);
    }
}

fn compare(shape: &Shape, schema: &Value, at: &str) {
    match shape {
        Shape::Mapping(fields) => {
            let properties = schema["properties"]
                .as_object()
                .unwrap_or_else(|| panic!("{at}: {schema}"));
            let expected: Vec<_> = properties.keys().collect();
            let found: Vec<_> = fields.iter().map(|(name, _)| name).collect();
            assert_eq!(found, expected, "{at}");
            for (name, shape) in *fields {
                compare(shape, &properties[*name], &format!("{at}.{name}"));
            }
        }
        Shape::List(item) => compare(item, &schema["items"], at),
        Shape::Set(SetElements::HttpResources) => compare(&HTTP_RESOURCE, &schema["items"], at),
        Shape::Set(SetElements::Texts) => assert_eq!(schema["items"]["type"], "string", "{at}"),
        Shape::Set(SetElements::Actions) => assert!(schema["items"].is_object(), "{at}"),
        Shape::Free => assert!(schema.get("properties").is_none(), "{at}"),
    }
}
