/*
 * Moves stories back and forth for some seconds through one of the official
 * clients, 8 at a time, and prints how many moves failed. Arguments: CLIENT
 * URL, the limit, SECONDS.
 */
import { clients } from "./clients.mjs";

const [name, url, limit, seconds] = process.argv.slice(2);
const SPACE = `${url}/v1/spaces/288868932106293`;

async function ids(what, key) {
  const answer = await fetch(`${SPACE}/${what}`,
                             { headers: { authorization: "bench" } });
  return (await answer.json())[key].map((item) => item.id);
}

const stages = await ids("workflow_stages", "workflow_stages");
const stories = await ids("stories", "stories");
const post = clients[name](url, Number(limit));
const stop = Date.now() + 1000 * Number(seconds);
let number = 0;
let failed = 0;

async function work() {
  while (Date.now() < stop) {
    number += 1;
    const change = {
      story_id: stories[number % stories.length],
      workflow_stage_id: stages[number % stages.length],
    };
    try {
      await post({ workflow_stage_change: change });
    } catch {
      failed += 1;
    }
  }
}

await Promise.all(Array.from({ length: 8 }, work));
console.log(failed);
