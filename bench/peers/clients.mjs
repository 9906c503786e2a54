/*
 * The two official clients for JavaScript, as one function each:
 * `post(body)` sends a stage change and returns the change.
 *
 * `rate` is requests a second; 0 turns the clients' own limits off.
 */
import { createRequire } from "node:module";

const require = createRequire(process.env.BENCH_PEERS + "/node_modules/");
const SPACE = 288868932106293;
const PATH = `/spaces/${SPACE}/workflow_stage_changes`;

function storyblokJs(url, rate) {
  const exported = require("storyblok-js-client");
  const Client = exported.default ?? exported;
  const client = new Client({
    oauthToken: "bench", endpoint: `${url}/v1`, rateLimit: rate,
  });
  return async (body) => {
    const answer = await client.post(PATH.slice(1), body);
    return answer.data.workflow_stage_change;
  };
}

function management(url, rate) {
  const { createManagementApiClient } =
    require("@storyblok/management-api-client");
  const client = createManagementApiClient({
    personalAccessToken: "bench", spaceId: SPACE, baseUrl: url,
    rateLimit: rate === 0 ? false : rate, throwOnError: true,
  });
  return async (body) => {
    const answer = await client.post(`/v1${PATH}`, { body });
    return answer.data.workflow_stage_change;
  };
}

export const clients = {
  "storyblok-js-client": storyblokJs,
  "management-api-client": management,
};
