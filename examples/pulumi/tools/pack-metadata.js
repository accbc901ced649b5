// Writes what a Node.js policy pack declares to `polwarden-metadata.json`.
//
//     node tools/pack-metadata.js packs/cost-guard
//
// The pack is started as the engine of Pulumi starts it, and asked for its policies over loopback. The
// engine itself is not needed. The dependencies of the pack must be installed.

const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const { createRequire } = require("node:module");
const path = require("node:path");

const METADATA = "polwarden-metadata.json";
// Folders that no archive contains.
const SKIPPED = new Set([".git", "node_modules"]);

const pack = path.resolve(process.argv[2]);
const load = createRequire(path.join(pack, "package.json"));

/** Starts the pack and returns the port that it listens on. */
function start() {
    const runner = load.resolve("@pulumi/pulumi/cmd/run-policy-pack");
    // An address of the engine is required, and nothing is sent to it.
    const command = [runner, "127.0.0.1:1", pack];
    const env = { ...process.env, PULUMI_NODEJS_TYPESCRIPT: "true" };
    const child = spawn(process.execPath, command, { cwd: pack, env, stdio: ["ignore", "pipe", "inherit"] });
    const port = new Promise((resolve, reject) => {
        let text = "";
        child.stdout.on("data", (data) => {
            text += data;
            const line = /^(\d+)\r?\n/m.exec(text);
            if (line) {
                resolve(line[1]);
            }
        });
        child.on("error", reject);
        child.on("exit", (code) => reject(new Error(`${pack} did not start a policy pack: exit code ${code}`)));
    });
    return { child, port };
}

function analyzerInfo(port) {
    const fromSdk = createRequire(load.resolve("@pulumi/pulumi/package.json"));
    const grpc = fromSdk("@grpc/grpc-js");
    const { Empty } = fromSdk("google-protobuf/google/protobuf/empty_pb.js");
    const services = load("@pulumi/pulumi/proto/analyzer_grpc_pb");
    const client = new services.AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    return new Promise((resolve, reject) => {
        const deadline = Date.now() + 30_000;
        client.getAnalyzerInfo(new Empty(), { deadline }, (error, info) => {
            client.close();
            if (error) {
                reject(error);
            } else {
                resolve(info);
            }
        });
    });
}

function policy(info) {
    const { EnforcementLevel } = load("@pulumi/pulumi/proto/analyzer_pb");
    const levels = Object.entries(EnforcementLevel);
    const [level] = levels.find(([, number]) => number === info.getEnforcementlevel());
    const found = { name: info.getName(), enforcementLevel: level.toLowerCase() };
    const schema = info.getConfigschema();
    if (schema) {
        const properties = schema.getProperties();
        found.configSchema = { type: "object", properties: properties ? properties.toJavaScript() : {} };
        const required = schema.getRequiredList().sort();
        if (required.length > 0) {
            found.configSchema.required = required;
        }
    }
    return found;
}

/** The digests of the files of the source, by path. */
function files(folder = "", found = {}) {
    for (const name of fs.readdirSync(path.join(pack, folder)).sort()) {
        const relative = folder ? `${folder}/${name}` : name;
        const real = path.join(pack, relative);
        if (fs.statSync(real).isDirectory()) {
            if (!SKIPPED.has(name)) {
                files(relative, found);
            }
        } else if (name !== METADATA) {
            found[relative] = `sha256:${createHash("sha256").update(fs.readFileSync(real)).digest("hex")}`;
        }
    }
    return found;
}

const byName = (a, b) => (a.name < b.name ? -1 : 1);

async function main() {
    const { child, port } = start();
    let info;
    try {
        info = await analyzerInfo(await port);
    } finally {
        child.removeAllListeners("exit");
        child.kill();
    }
    const metadata = {
        formatVersion: 1,
        name: info.getName(),
        policies: info.getPoliciesList().map(policy).sort(byName),
        files: files(),
    };
    fs.writeFileSync(path.join(pack, METADATA), `${JSON.stringify(metadata, null, 2)}\n`);
}

main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
});
