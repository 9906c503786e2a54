/*
 * @storyblok/management-api-client: its resources for spaces, users and
 * stories, and its plain get, post, put, patch and delete for the others.
 */
import { createManagementApiClient } from "@storyblok/management-api-client";
import { disagrees, holds, same, SPACE, withSandbox } from "./sandbox.mjs";

const PATH = `/v1/spaces/${SPACE}`;

function open(url, more) {
  return createManagementApiClient({
    personalAccessToken: "any", spaceId: SPACE, baseUrl: url,
    rateLimit: false, ...more,
  });
}

async function space(client) {
  const me = await client.users.me();
  holds("mapi: users.me", me.data.user.email.includes("@"));
  same("mapi: spaces.list", (await client.spaces.list()).data.spaces[0].id,
    SPACE);
  const info = (await client.spaces.get()).data.space;
  same("mapi: spaces.get", [info.id, info.region, typeof info.plan],
    [SPACE, "eu", "string"]);
  const people = await client.get(`${PATH}/collaborators`, {
    query: { with_act_as_roles: true, per_page: 2, page: 1 } });
  same("mapi: collaborators", [people.data.collaborators.length,
    people.response.headers.get("total"),
    people.data.collaborators[1].can_act_as_admin], [2, "4", false]);
  holds("mapi: space roles", (await client.get(`${PATH}/space_roles`)).data
    .space_roles.length === 3);
  same("mapi: releases", (await client.get(`${PATH}/releases`)).data
    .releases[0].name, "Release 1");
}

async function workflows(client) {
  const created = await client.post(`${PATH}/workflows`, { body: {
    workflow: { name: "News", content_types: ["news"] } } });
  same("mapi: a workflow is created", created.response.status, 201);
  const { id } = created.data.workflow;
  const stage = (await client.post(`${PATH}/workflow_stages`, { body: {
    workflow_stage: { name: "A", color: "#fff", workflow_id: id,
      position: 1 } } })).data.workflow_stage;
  same("mapi: a stage is created", stage.workflow_id, id);
  const path = `${PATH}/workflow_stages/${stage.id}`;
  const put = await client.put(path, { body: {
    workflow_stage: { name: "B" } } });
  same("mapi: PUT of a stage", put.response.status, 204);
  await client.patch(path, { body: { workflow_stage: { color: "#000" } } });
  const read = (await client.get(path)).data.workflow_stage;
  same("mapi: a stage is read", [read.name, read.color], ["B", "#000"]);
  const copy = await client.post(`${PATH}/workflows/${id}/duplicate`, {
    body: { workflow: { name: "Copy", content_types: ["copy"] } } });
  same("mapi: a workflow is duplicated",
    copy.data.workflow.workflow_stages[0].name, "B");
  await client.put(`${PATH}/workflows/${id}`, { body: { workflow: {
    name: "Renamed", workflow_stages_attributes: [
      { id: stage.id, position: 5 }] } } });
  const listed = (await client.get(`${PATH}/workflows`, {
    query: { include_stages: true, by_ids: `${id}` } })).data.workflows;
  same("mapi: workflows are listed with stages",
    [listed[0].name, listed[0].workflow_stages[0].position], ["Renamed", 5]);
  same("mapi: a workflow is deleted",
    (await client.delete(`${PATH}/workflows/${id}`)).response.status, 204);
}

async function stories(client) {
  const { story } = (await client.stories.create({ body: { story: {
    name: "One", slug: "one", content: { component: "article" } } } })).data;
  same("mapi: stories.create", story.full_slug, "one");
  same("mapi: no content type of its own", story.content_type, undefined);
  await client.stories.update(story.id, { body: { story: {
    name: "Two" } } });
  same("mapi: stories.update and get",
    (await client.stories.get(story.id)).data.story.name, "Two");
  const stages = (await client.get(`${PATH}/workflow_stages`)).data
    .workflow_stages;
  const ready = stages.findLast((stage) => stage.name === "Ready");
  const review = stages.findLast((stage) => stage.name === "Review");
  for (const stage of [review, ready])
    await client.post(`${PATH}/workflow_stage_changes`, { body: {
      workflow_stage_change: { story_id: story.id,
        workflow_stage_id: stage.id } } });
  const changes = await client.get(`${PATH}/workflow_stage_changes`,
    { query: { with_story: story.id } });
  same("mapi: changes are listed", changes.data.workflow_stage_changes
    .map((one) => one.workflow_stage_id), [ready.id, review.id]);
  same("mapi: stories.publish",
    (await client.stories.publish(story.id)).data.story.published, true);
  await lists(client, ready);
  same("mapi: stories.delete", (await client.stories.delete(story.id))
    .response.status, 200);
  same("mapi: and then it is not there",
    (await client.stories.get(story.id)).error.response.status, 404);
  await unserved(client, story);
}

async function lists(client, ready) {
  const found = async (query) =>
    (await client.stories.list({ query })).data.stories.length;
  same("mapi: stories.list by stage",
    await found({ in_workflow_stages: `${ready.id}`, with_slug: "one" }), 1);
  same("mapi: by a condition on the content", await found({
    filter_query: { component: { in: "article" } }, with_slug: "one" }), 1);
  same("mapi: by alternatives", await found({ filter_query: { __or: [
    { component: { in: "nothing" } }, { component: { like: "art*" } }] },
    with_slug: "one" }), 1);
  const last = await client.stories.list({ query: { sort_by:
    "content.words:desc:int,slug:asc", per_page: 100 } });
  same("mapi: sorted, in pages", [last.data.stories.length,
    last.response.headers.get("per-page")], [26, "100"]);
  const both = await found({ filter_query: {
    authors: { in_array: ["a", "b"] } } });
  const query = `${PATH}/stories?filter_query[component][in_array]`;
  disagrees("mapi: arrays", "writes in_array=a&in_array=b, without the [] " +
    "that the page asks for: only the last one counts", both === 0 &&
    query.length > 0);
}

/* Calls of the client that are not part of what the sandbox emulates. */
async function unserved(client, story) {
  const statuses = await Promise.all([
    client.stories.duplicate(story.id, { body: { story: {} } }),
    client.stories.versions(story.id),
    client.spaces.create({ body: { space: { name: "x" } } }),
    client.spaces.update({ body: { space: { name: "x" } } }),
    client.spaces.delete(),
    client.users.updateMe({ body: { user: {} } }),
  ]);
  disagrees("mapi: stories.duplicate and versions, spaces.create, update " +
    "and delete, users.updateMe", "not on the page, and 404 in the sandbox",
    statuses.every((one) => one.error.response.status === 404));
}

async function errors(client) {
  const missing = await client.stories.get(1);
  same("mapi: a 404", [missing.error.response.status,
    missing.error.response.data],
    [404, ["This record could not be found"]]);
  const taken = await client.post(`${PATH}/workflow_stages`, { body: {
    workflow_stage: { name: "Drafting", color: "#abcdef" } } });
  same("mapi: a 422 of a stage", taken.error.response.data,
    { name: ["has already been taken"],
      error: "name has already been taken" });
  const change = await client.post(`${PATH}/workflow_stage_changes`, { body: {
    workflow_stage_change: {} } });
  same("mapi: a 422 of a change",
    Object.keys(change.error.response.data.errors),
    ["story_id", "workflow_stage_id"]);
}

async function denied(url) {
  const answer = await open(url, { personalAccessToken: undefined })
    .users.me();
  same("mapi: a 401", answer.error.response.data, { error: "Unauthorized" });
  const oauth = await open(url, { personalAccessToken: undefined,
    oauthToken: "any" }).users.me();
  same("mapi: an OAuth token comes as Bearer", oauth.response.status, 200);
}

/* Its own limit inside the window, and 429s that it sends again. */
async function retries(url) {
  const own = open(url, { rateLimit: { maxConcurrent: 5 } });
  const answers = await Promise.all(Array.from({ length: 12 }, () =>
    own.stories.list()));
  holds("mapi: its own limit, and retries of what exceeds it",
    answers.every((one) => one.response.status === 200));
  const posts = await Promise.all(Array.from({ length: 9 }, (_, i) =>
    open(url).post(`${PATH}/workflow_stages`, { body: { workflow_stage: {
      name: `S${i}`, color: `#00000${i}` } } })));
  holds("mapi: a POST is sent again after a 429",
    posts.every((one) => one.response.status === 201));
}

export async function managementClient() {
  await withSandbox({}, async (url) => {
    const client = open(url);
    await space(client);
    await workflows(client);
    await stories(client);
    await errors(client);
    await denied(url);
  });
  await withSandbox({ rate_limit: 6, retry_after: 1 }, retries);
}
