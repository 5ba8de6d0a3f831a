import assert from "node:assert/strict";
import { test } from "node:test";
import { laterOf } from "../src/results/later.ts";
import type { Photo, ResultPage } from "../src/types.ts";

const PAGE = 2;
const photo = (id: string): Photo => ({ id, thumb: "", large: "", width: null, height: null });

/** Searches by their request_id, two photos a page, as the API gives them. */
function reader(searches: Record<string, string>, latest: string | null) {
  const asked: string[] = [];
  const page = async (requestId: string, number = 1): Promise<ResultPage> => {
    asked.push(`${requestId} ${number}`);
    const ids = [...(searches[requestId] ?? "")];
    const photos = ids.slice((number - 1) * PAGE, number * PAGE).map(photo);
    const pages = Math.ceil(ids.length / PAGE);
    return { requestId, photos, total: ids.length, page: number, pages, selfieFaces: null };
  };
  return { asked, page, updates: async () => ({ until: "2027-01-01", latest }) };
}

test("new is what the search itself has on none of its pages, with its place in the newer one", async () => {
  const api = reader({ old: "abcde", newer: "xbacyed" }, "newer");
  const later = await laterOf(api, api.page("old"));
  assert.equal(later?.until, "2027-01-01");
  assert.deepEqual(
    later?.photos.map(({ id, requestId, position }) => [id, requestId, position]),
    [
      ["x", "newer", 0],
      ["y", "newer", 4],
    ],
  );
});

test("nothing later costs one call, and what fails costs the guest nothing", async () => {
  const api = reader({ old: "abcde" }, null);
  assert.deepEqual(await laterOf(api, api.page("old")), { until: "2027-01-01", photos: [] });
  assert.deepEqual(api.asked, ["old 1"]);
  const broken = { ...api, updates: () => Promise.reject(new Error("no")) };
  assert.equal(await laterOf(broken, api.page("old")), null);
});
