package main

import rego.v1

result := {"skipped": false, "violations": violations, "skip_reason": ""}

is_sbom(material) if {
	type := material.annotations["chainloop.material.type"]
	startswith(type, "SBOM_")
}

violations contains "the attestation contains no bill of materials" if {
	every material in input.predicate.materials {
		not is_sbom(material)
	}
}
