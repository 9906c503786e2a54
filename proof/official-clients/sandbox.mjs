/*
 * Starts sandboxes, and counts what is tried against them.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

export const SPACE = 288868932106293;

/**
 * Runs `use(url)` against a sandbox of its own.
 * @param options of sandbox.start(), each a number, a boolean or a text; and
 *   `stories`, their number
 */
export async function withSandbox({ stories = 25, ...options }, use) {
  const given = Object.entries({ rate_limit: false, ...options })
    .flatMap(([name, value]) => ["--option", `${name}=${value}`]);
  const arguments_ = ["sandbox", "--stories", `${stories}`, ...given];
  const process = spawn("workstage", arguments_, {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: process.stdout });
  const url = await new Promise((resolve, reject) => {
    lines.once("line", resolve);
    process.once("exit", (status) =>
      reject(new Error(`the sandbox ended with ${status}`)));
  });
  try {
    return await use(url);
  } finally {
    process.kill("SIGTERM");
    lines.close();
  }
}

export const result = { cases: 0, failures: 0, disagreements: [] };

function fail(name, message) {
  result.failures++;
  console.log(`FAILED ${name}\n  ${message}`);
}

/** Counts one case, and a failure where `actual` is not `expected`. */
export function same(name, actual, expected) {
  result.cases++;
  if (isDeepStrictEqual(actual, expected)) return;
  fail(name, `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}

export function holds(name, value) {
  same(name, Boolean(value), true);
}

/**
 * A known disagreement between a client and the services' page, or a call of
 * a client's that the sandbox does not serve. It has to be there still: one
 * that is gone is a failure, so that the list stays true.
 */
export function disagrees(name, reason, isThere) {
  result.cases++;
  result.disagreements.push(`${name}: ${reason}`);
  if (!isThere) fail(name, "this known disagreement is gone");
}

/** The error that a promise ends with, or undefined. */
export async function errorOf(promise) {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}
