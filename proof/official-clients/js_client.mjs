/*
 * storyblok-js-client, as far as it talks to the Management API: get, getAll,
 * post, put, patch, delete.
 */
import StoryblokClient from "storyblok-js-client";
import { disagrees, errorOf, holds, same, SPACE, withSandbox }
  from "./sandbox.mjs";

const PATH = `spaces/${SPACE}`;

function open(url, more) {
  return new StoryblokClient({
    oauthToken: "any", endpoint: `${url}/v1`, rateLimit: 1000, ...more,
  });
}

/* Every kind of object: created, read, changed and deleted. */
async function objects(url) {
  const client = open(url);
  const me = (await client.get("users/me")).data.user;
  holds("js: the token's user", me.id && me.email.includes("@"));
  same("js: the space", (await client.get(PATH)).data.space.id, SPACE);
  const created = await client.post(`${PATH}/workflows`, {
    workflow: { name: "News", content_types: ["news"], workflow_stages: [
      { name: "Draft", color: "#111111", is_default: true },
      { name: "Done", color: "#222222" },
    ] },
  });
  same("js: a workflow is created", created.status, 201);
  const { id, workflow_stages: [draft, done] } = created.data.workflow;
  const stage = `${PATH}/workflow_stages/${draft.id}`;
  same("js: PUT of a stage answers 204 without a body",
    (await client.put(stage, { workflow_stage: { allow_publish: true } }))
      .status, 204);
  const patched = await errorOf(client.patch(stage, {
    workflow_stage: { allow_publish: false } }));
  disagrees("js: patch", "sends the method as \"patch\" in lower case, which " +
    "is another method in HTTP", patched?.status === 404);
  await client.put(stage, { workflow_stage: { name: "Drafting" } });
  const read = (await client.get(stage)).data.workflow_stage;
  same("js: a stage is updated", [read.name, read.allow_publish],
    ["Drafting", true]);
  same("js: a stage is created", (await client.post(`${PATH}/workflow_stages`,
    { workflow_stage: { name: "New", color: "#333333", workflow_id: id } }))
    .data.workflow_stage.workflow_id, id);
  same("js: stages are listed", (await client.get(`${PATH}/workflow_stages`,
    { in_workflow: id })).data.workflow_stages.length, 3);
  same("js: workflows are filtered", (await client.get(`${PATH}/workflows`,
    { by_ids: `${id}`, include_stages: 1 })).data.workflows[0]
    .workflow_stages.length, 3);
  await stories(client, draft, done);
  same("js: a stage is deleted",
    (await client.delete(`${PATH}/workflow_stages/${done.id}`)).status, 204);
  same("js: a workflow is deleted",
    (await client.delete(`${PATH}/workflows/${id}`)).status, 204);
}

async function stories(client, draft, done) {
  const story = (await client.post(`${PATH}/stories`, { story: {
    name: "One", slug: "one", content: { component: "news" } } })).data.story;
  same("js: a new story is in the default stage",
    story.stage.workflow_stage_id, draft.id);
  const { status, data } = await client.post(
    `${PATH}/workflow_stage_changes`, {
      workflow_stage_change: { story_id: story.id,
        workflow_stage_id: draft.id, due_date: null },
      release_id: null, notify: false, comment: {}, assign: {} });
  same("js: a change is created", [status,
    data.workflow_stage_change.workflow_stage_id], [201, draft.id]);
  await client.put(`${PATH}/workflow_stages/${draft.id}`, {
    workflow_stage: { allow_all_stages: true } });
  await client.post(`${PATH}/workflow_stage_changes`, {
    workflow_stage_change: { story_id: story.id,
      workflow_stage_id: done.id } });
  const list = await client.get(`${PATH}/workflow_stage_changes`,
    { with_story: story.id });
  same("js: changes are listed, newest first",
    list.data.workflow_stage_changes.map((one) => one.workflow_stage_id),
    [done.id, draft.id]);
  same("js: they come in pages", [list.total, list.perPage], [2, 25]);
  const filtered = await client.get(`${PATH}/stories`, {
    in_workflow_stages: `${done.id}`, filter_query: {
      component: { in: "news" } } });
  same("js: stories are filtered", filtered.data.stories.length, 1);
  same("js: and by alternatives", (await client.get(`${PATH}/stories`, {
    filter_query: { __or: [{ component: { in: "news" } },
      { component: { in: "nothing" } }] } })).data.stories.length, 1);
  same("js: a story is published", (await client.get(
    `${PATH}/stories/${story.id}`)).data.story.published, false);
  await client.put(`${PATH}/workflow_stages/${done.id}`, {
    workflow_stage: { allow_publish: true } });
  same("js: publishing is a GET", (await client.get(
    `${PATH}/stories/${story.id}/publish`)).data.story.published, true);
  same("js: and unpublishing", (await client.get(
    `${PATH}/stories/${story.id}/unpublish`)).data.story.published, false);
}

/* Lists of several pages, and what getAll makes of them. */
async function pages(url) {
  const client = open(url);
  const list = `${PATH}/stories`;
  const page = await client.get(list, { per_page: 100, page: 2 });
  same("js: a page of a list", [page.total, page.perPage,
    page.data.stories.length], [230, 100, 100]);
  same("js: a page past the end",
    (await client.get(list, { page: 99 })).data.stories, []);
  same("js: a leading slash makes a double one",
    (await client.get(`/${PATH}/stories`)).data.stories.length, 25);
  const refused = await errorOf(client.getAll(list, { per_page: 100 }));
  disagrees("js: getAll", "adds version=published, a parameter of the " +
    "delivery API, to Management API calls; refused by the strict sandbox",
    refused?.status === 400 && refused.message.startsWith("version "));
}

async function allPages(url) {
  const client = open(url);
  const all = await client.getAll(`${PATH}/stories`, { per_page: 100 });
  same("js: getAll reads every page", all.length, 230);
  same("js: and each story once",
    new Set(all.map((story) => story.id)).size, 230);
}

async function withoutHyphen(url) {
  const all = await open(url).getAll(`${PATH}/stories`, { per_page: 100 });
  disagrees("js: paging", "reads Per-Page only, not the reference's " +
    "per_page: with that spelling getAll ends after the first page",
    all.length === 100);
}

async function errors(url) {
  const client = open(url);
  const missing = await errorOf(client.get(`${PATH}/stories/1`));
  same("js: a 404 is read from an array",
    [missing.status, missing.message],
    [404, "This record could not be found"]);
  const invalid = await errorOf(client.post(`${PATH}/workflow_stages`, {
    workflow_stage: { name: "Drafting", color: "#abcdef" } }));
  same("js: a 422 of a stage", [invalid.status, invalid.message],
    [422, "name has already been taken"]);
  const change = await errorOf(client.post(`${PATH}/workflow_stage_changes`,
    { workflow_stage_change: {} }));
  same("js: a 422 of a change", change.status, 422);
  disagrees("js: errors", "looks for lists and texts one level deep, so that " +
    "{\"errors\":{..}} becomes \"Unknown error\"",
    change.message === "Unknown error");
  const denied = await errorOf(open(url, { oauthToken: "Bearer " })
    .get(PATH));
  same("js: a 401", [denied.status, denied.message], [401, "Unauthorized"]);
}

/* With a limit that both keep, and with one that only the service knows. */
async function retries(url) {
  const own = open(url, { rateLimit: 5 });
  const answers = await Promise.all(Array.from({ length: 12 }, () =>
    own.get(`${PATH}/workflow_stages`)));
  holds("js: its own limit fits the window",
    answers.every((one) => one.data.workflow_stages.length === 7));
  const hasty = open(url, { rateLimit: 50, retriesDelay: 400 });
  const late = await Promise.all(Array.from({ length: 14 }, () =>
    hasty.get(`${PATH}/workflow_stages`)));
  holds("js: a 429 is sent again",
    late.every((one) => one.data.workflow_stages.length === 7));
}

export async function jsClient() {
  await withSandbox({}, objects);
  await withSandbox({}, errors);
  await withSandbox({ rate_limit: 6 }, retries);
  const many = { stories: 230 };
  await withSandbox(many, pages);
  await withSandbox({ ...many, strict: false }, allPages);
  await withSandbox({ ...many, strict: false,
    paging_headers: "underscore" }, withoutHyphen);
}
