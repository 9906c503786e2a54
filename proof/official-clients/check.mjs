/*
 * Storyblok's own clients, unchanged, against the sandbox. Prints what went
 * wrong, the known disagreements with their reasons, and a row for the proof.
 */
import { jsClient } from "./js_client.mjs";
import { managementClient } from "./management_client.mjs";
import { regions } from "./regions.mjs";
import { result } from "./sandbox.mjs";

for (const part of [jsClient, managementClient, regions])
  try {
    await part();
  } catch (error) {
    result.failures++;
    console.log(`FAILED ${part.name}\n  ${error?.stack ??
      JSON.stringify(error)}`);
  }
console.log("Known disagreements:");
for (const one of result.disagreements) console.log(`  ${one}`);
console.log(`proof: official clients: calls and answers|${result.cases}|` +
  `${result.failures}`);
process.exitCode = result.failures ? 1 : 0;
