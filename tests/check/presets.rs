use super::*;

/// Hosts as published presets and recipes list them: real use must not drown in warnings.
const PUBLISHED: &[&str] = &[
    "**.openai.com:443",
    "chatgpt.com:443",
    "**.chatgpt.com:443",
    "bun.sh:443",
    "**.bun.sh:443",
    "docker.io",
    "**.docker.io",
    "production.cloudflare.docker.com",
    "**.production.cloudflare.docker.com",
    "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com:443",
    "dhi.io:443",
    "dhi.io:80",
    "**.lencr.org:443",
    "**.lencr.org:80",
    "*.one.digicert.com:80",
    "*.one.au.digicert.com:80",
    "cacerts.digicert.com:80",
    "ocsp.digicert.com",
    "**.public.blob.vercel-storage.com:443",
    "isrg.trustid.ocsp.identrust.com:80",
];

#[test]
fn published_hosts_give_no_finding() {
    let hosts: Vec<String> = PUBLISHED.iter().map(|host| format!("'{host}'")).collect();
    let rule = format!(
        "{{name: r, decision: allow, actions: ['connect:tcp'], resources: [{}]}}",
        hosts.join(", ")
    );
    check_rules(&[(&[&rule], &[])]);
}

#[test]
fn the_one_undocumented_form_of_presets_is_a_warning() {
    let rule = "{name: r, decision: allow, actions: ['connect:tcp'], resources: ['crl*.digicert.com:80', crl.example.com]}";
    check_rules(&[(
        &[rule],
        &["wildcard-undocumented 0:spec.rules[0].resources[0]"],
    )]);
}
