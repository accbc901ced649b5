from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ResourceValidationPolicy,
)


def owner_tag(args, report_violation):
    tag = args.get_config()["tag"]
    if "tags" in args.props and tag not in (args.props["tags"] or {}):
        report_violation(f"The tag {tag} is missing.")


PolicyPack(
    name="tag-guard",
    enforcement_level=EnforcementLevel.ADVISORY,
    policies=[
        ResourceValidationPolicy(
            name="owner-tag",
            description="Every resource with tags has one that names its owner.",
            validate=owner_tag,
            enforcement_level=EnforcementLevel.MANDATORY,
            config_schema=PolicyConfigSchema(
                properties={
                    "tag": {"type": "string", "minLength": 1, "default": "owner"},
                },
            ),
        ),
    ],
)
