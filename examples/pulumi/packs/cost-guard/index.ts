import { PolicyPack, ResourceValidationPolicy } from "@pulumi/policy";

// From the smallest to the largest size that can be agreed on.
const sizes = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];

const instanceSize: ResourceValidationPolicy = {
    name: "instance-size",
    description: "Large instances need an agreement with the owner of the budget.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            largest: { type: "string", enum: ["medium", "large", "xlarge", "2xlarge"], default: "large" },
        },
    },
    validateResource: (args, report) => {
        if (args.type !== "aws:ec2/instance:Instance") {
            return;
        }
        const { largest } = args.getConfig<{ largest: string }>();
        const instanceType = String(args.props.instanceType ?? "");
        const size = instanceType.split(".")[1] ?? "";
        const known = sizes.indexOf(size);
        // A size that is not in the list is larger than all of them.
        if (known < 0 || known > sizes.indexOf(largest)) {
            report(`The instance type ${instanceType} is larger than what was agreed (${largest}).`);
        }
    },
};

const costCenterTag: ResourceValidationPolicy = {
    name: "cost-center-tag",
    description: "Every resource that takes tags has one with a cost center.",
    enforcementLevel: "advisory",
    configSchema: {
        properties: {
            tag: { type: "string", minLength: 1, default: "cost-center" },
        },
    },
    validateResource: (args, report) => {
        const { tag } = args.getConfig<{ tag: string }>();
        if ("tags" in args.props && !args.props.tags?.[tag]) {
            report(`The tag ${tag} for the cost center is missing.`);
        }
    },
};

new PolicyPack("cost-guard", { policies: [instanceSize, costCenterTag] });
