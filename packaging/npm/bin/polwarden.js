#!/usr/bin/env node
// Runs the program of the package for this platform, which npm installs as an optional dependency.
"use strict";

const { spawnSync } = require("node:child_process");

const name = `polwarden-${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "polwarden.exe" : "polwarden";
let program;
try {
  program = require.resolve(`${name}/${file}`);
} catch {
  console.error(
    `polwarden: the package ${name} is not installed. Either this platform is not supported, or optional dependencies ` +
      "were omitted; run `npm install --include=optional polwarden`.",
  );
  process.exit(1);
}
const { status, signal, error } = spawnSync(program, process.argv.slice(2), { stdio: "inherit" });
if (error) {
  console.error(`polwarden: cannot run ${program}: ${error.message}`);
  process.exit(1);
}
if (signal) {
  process.kill(process.pid, signal);
}
process.exit(status ?? 1);
