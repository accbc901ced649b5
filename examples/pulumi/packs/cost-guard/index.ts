import * as aws from "@pulumi/aws";
import { PolicyPack, ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";

// From the smallest to the largest that anybody may agree on.
const sizes = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"];

const instanceSize: ResourceValidationPolicy = {
    name: "instance-size",
    description: "Large instances need an agreement with whoever pays for them.",
    enforcementLevel: "mandatory",
    configSchema: {
        properties: {
            largest: { type: "string", enum: ["medium", "large", "xlarge", "2xlarge"], default: "large" },
        },
    },
    validateResource: validateResourceOfType(aws.ec2.Instance, (instance, args, report) => {
        const { largest } = args.getConfig<{ largest: string }>();
        const size = instance.instanceType?.toString().split(".")[1] ?? "";
        const known = sizes.indexOf(size);
        // A size that is not in the list is larger than all of them.
        if (known < 0 || known > sizes.indexOf(largest)) {
            report(`The instance type ${instance.instanceType} is larger than what was agreed (${largest}).`);
        }
    }),
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
