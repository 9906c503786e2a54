/*
 * The benchmark's requests through one of the official clients, whose own
 * rate limit is off. Arguments: CLIENT URL REQUESTS FLIGHT.
 */
import { clients } from "./clients.mjs";

const [name, url, requests, flight] = process.argv.slice(2);
const post = clients[name](url, 0);
let number = 0;
let first_printed = false;

async function work() {
  while (number < Number(requests)) {
    number += 1;
    const change = await post({
      workflow_stage_change: {
        story_id: 288868932100000 + number,
        workflow_stage_id: 288868932200000 + number % 7,
      },
    });
    if (change.workflow_stage_id !== 288868932200001)
      throw new Error("not the answer that was expected");
    if (!first_printed) process.stdout.write("first\n");
    first_printed = true;
  }
}

await Promise.all(Array.from({ length: Number(flight) }, work));
