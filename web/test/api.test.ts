import assert from "node:assert/strict";
import { test } from "node:test";
import { Api, ApiProblem } from "../src/api.ts";

Object.assign(globalThis, { location: { href: "https://photos.example/" } });
const ID = "6f0c2f52-19b7-4c1f-8a55-0d4c5b7a9e31";

/** An API that knows one token; the tokens that it was sent. */
function server(valid: string) {
  const sent: (string | null)[] = [];
  const respond = async (url: RequestInfo | URL) => {
    const token = new URL(String(url)).searchParams.get("token");
    sent.push(token);
    if (token !== valid) return new Response("{}", { status: 403, headers: { "Face-Search-Error": "token_expired" } });
    return Response.json({ data: { presigned_urls: [], failed_urls: [] } });
  };
  return { sent, fetch: respond as typeof fetch };
}

const options = { base: "https://faces.example", org: 1, event: 2 };

test("whatever finds its token over goes on with another one", async () => {
  const { sent, fetch } = server("new");
  let token = "old";
  const renew = async () => {
    token = "new";
    return true;
  };
  const api = new Api({ ...options, fetch, token: () => token, renew });
  assert.deepEqual(await api.originals(ID, 1), { links: [], failed: [] });
  assert.deepEqual(sent, ["old", "new"]);
});

test("another token is asked for once a call, and without one the call has failed", async () => {
  for (const renew of [undefined, async () => false, async () => true]) {
    const { sent, fetch } = server("new");
    const api = new Api({ ...options, fetch, token: () => "old", ...(renew ? { renew } : {}) });
    const refused = (error: unknown) => error instanceof ApiProblem && error.code === "token_expired";
    await assert.rejects(api.originals(ID, 1), refused);
    assert.equal(sent.length, (await renew?.()) ? 2 : 1);
  }
});
