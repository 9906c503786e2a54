/*
 * @storyblok/region-helper: the region of an id, beside what the sandbox says
 * of a space with that id.
 */
import { getManagementBaseUrl, getRegion }
  from "@storyblok/region-helper";
import { holds, same, withSandbox } from "./sandbox.mjs";

const BIT = 2 ** 48;

async function regionOf(url, id) {
  const answer = await fetch(`${url}/v1/spaces/${id}`,
    { headers: { Authorization: "any" } });
  return answer.status === 200 ? (await answer.json()).space.region
                               : undefined;
}

async function ids(url) {
  const small = [1, 999999, 1000000, 1999999, 2000000, 2999999, 3000000,
    3999999, 4000000, 5000000];
  const large = [0, 1, 2, 3, 4, 5, 6, 7, 31].map((bits) =>
    bits * BIT + 12345678901);
  for (const id of [...small, ...large.slice(1), 119522102426879 + BIT,
    288868932106293, 282994740194929])
    same(`region: ${id}`, await regionOf(url, id), getRegion(id));
}

export async function regions() {
  await withSandbox({ any_space: true }, ids);
  holds("region: addresses", ["eu", "us", "ca", "ap", "cn"].every((region) =>
    getManagementBaseUrl(region).startsWith("https://")));
  same("region: eu", getManagementBaseUrl("eu"), "https://mapi.storyblok.com");
  same("region: cn", getManagementBaseUrl("cn"),
    "https://app.storyblokchina.cn");
}
