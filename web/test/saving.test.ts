import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiProblem } from "../src/api.ts";
import type { Source, Wanted } from "../src/results/files.ts";
import { safeName, uniqueNames } from "../src/results/names.ts";
import { type Disk, Saving, type SavingState, type Surroundings, wayOf } from "../src/results/saving.ts";

const DESKTOP: Surroundings = { ios: false, android: false, inApp: false, shares: false, picks: false };

test("the way by browser", () => {
  const cases: [number, Partial<Surroundings>, string][] = [
    [1, {}, "files"],
    [2, {}, "zips"],
    [1, { picks: true }, "files"],
    [2, { picks: true }, "stream"],
    [1, { ios: true, shares: true }, "share"],
    [300, { ios: true, shares: true }, "share"],
    [300, { ios: true }, "links"],
    [10, { android: true, shares: true }, "files"],
    [11, { android: true, shares: true }, "zips"],
    [1, { android: true, inApp: true }, "links"],
    [5, { ios: true, inApp: true, shares: true }, "links"],
  ];
  for (const [count, around, way] of cases) assert.equal(wayOf(count, { ...DESKTOP, ...around }), way);
});

test("file names are safe on every system and unique regardless of case", () => {
  assert.equal(safeName("../../etc/passwd"), "passwd");
  assert.equal(safeName('C:\\photos\\a<b>:"|?*.jpg'), "a_b______.jpg");
  assert.equal(safeName("..hidden. "), "hidden");
  assert.equal(safeName("con.jpg"), "_con.jpg");
  assert.equal(safeName("a\u0000b\u202egpj.exe"), "a_b_gpj.exe");
  assert.equal(safeName(""), "photo");
  assert.equal(safeName(`${"x".repeat(300)}.jpeg`), `${"x".repeat(115)}.jpeg`);
  const nameOf = uniqueNames();
  assert.deepEqual(["IMG_1.jpg", "img_1.JPG", "IMG_1.jpg", "none"].map(nameOf), [
    "IMG_1.jpg",
    "img_1 (2).JPG",
    "IMG_1 (3).jpg",
    "none",
  ]);
});

interface World {
  readonly total?: number;
  /** Positions without a link. */
  readonly unlinked?: readonly number[];
  /** Positions whose download fails, and how often. */
  readonly broken?: Map<number, number>;
  readonly originals?: boolean;
  readonly bytes?: number;
  /** The request_id, or a bib; and how many photos have come before its others since. */
  readonly of?: string;
  readonly moved?: number;
  readonly reply?: (state: SavingState, saving: Saving) => void;
  readonly share?: Disk["share"];
}

const goOn: World["reply"] = (state, saving) => state.step === "missing" && saving.reply("go-on");

/** A saving of a made-up search, and all that it did. */
function saving(positions: readonly number[], world: World = {}) {
  const {
    total = 200,
    unlinked = [],
    broken = new Map(),
    originals = true,
    bytes = 3,
    of = "the search of a face",
    moved = 0,
  } = world;
  const log = { pages: [] as string[], fetched: [] as string[], states: [] as SavingState[], most: 0, now: 0 };
  const disk = {
    downloads: [] as { name: string; size: number }[],
    zips: [] as string[][],
    shared: [] as string[][],
    discarded: false,
  };
  const source: Source = {
    originals,
    name: "White House 10 km",
    api: {
      page: async (requestId, page = 1) => {
        log.pages.push(`${page}`);
        const ids = Array.from({ length: total }, (_, i) => i - moved).slice((page - 1) * 100, page * 100);
        const photos = ids.map((i) => ({ id: `id-${i}`, thumb: "", large: "", width: null, height: null }));
        return { requestId, photos, total, page, pages: Math.ceil(total / 100), selfieFaces: null };
      },
      originals: async (_, page, size = 60) => {
        log.pages.push(`${page} of ${size}`);
        const slots = Array.from({ length: total }, (_, i) => i).slice((page - 1) * size, page * size);
        return {
          links: slots.filter((i) => !unlinked.includes(i)).map((i) => ({ url: `o/${i}`, filename: `IMG_${i}.jpg` })),
          failed: slots.filter((i) => unlinked.includes(i)).map((i) => `id-${i - moved}`),
        };
      },
    },
    photo: async ({ position }) => ({
      id: `id-${position}`,
      thumb: "",
      large: `large/${position}`,
      width: null,
      height: null,
    }),
    fetch: (async (url: string, init: RequestInit) => {
      assert.equal(init.cache, "no-store");
      log.fetched.push(url);
      log.most = Math.max(log.most, ++log.now);
      await new Promise((resolve) => setImmediate(resolve));
      log.now--;
      const position = Number(url.split("/")[1]);
      const left = broken.get(position) ?? 0;
      broken.set(position, left - 1);
      return left > 0 ? new Response("", { status: 404 }) : new Response(new Uint8Array(bytes));
    }) as typeof fetch,
    wait: async () => {},
  };
  const one = new Saving(
    positions.map((position) => ({ at: position, requestId: of, position }) satisfies Wanted),
    source,
    {
      download: (blob, name) => disk.downloads.push({ name, size: blob.size }),
      pick: async () => ({
        stream: new WritableStream({
          write: (chunk) => void disk.downloads.push({ name: "stream", size: chunk.length }),
        }),
        discard: async () => {
          disk.discarded = true;
        },
      }),
      zipStream: async (files) => {
        const names: string[] = [];
        disk.zips.push(names);
        return new ReadableStream({
          async start(controller) {
            for await (const { name, input } of files) {
              names.push(name);
              controller.enqueue(new Uint8Array(await input.arrayBuffer()));
            }
            controller.close();
          },
        });
      },
      zipBlob: async (files) => {
        disk.zips.push(files.map(({ name }) => name));
        return new Blob(files.map(({ input }) => input));
      },
      share: world.share ?? (async (files) => void disk.shared.push(files.map(({ name }) => name))),
    },
    (state) => {
      log.states.push(state);
      world.reply?.(state, one);
    },
  );
  return { one, log, disk, steps: () => [...new Set(log.states.map(({ step }) => step))] };
}

test("61 photos of two pages: each page is asked for once, three files at a time, in order", async () => {
  const positions = Array.from({ length: 61 }, (_, i) => i + 30);
  const { one, log, disk } = saving(positions);
  assert.equal(await one.run("zips"), 61);
  assert.deepEqual(log.pages, ["1 of 60", "2 of 60"]);
  assert.deepEqual(disk.zips, [positions.map((i) => `IMG_${i}.jpg`)]);
  assert.deepEqual(disk.downloads, [{ name: "White House 10 km.zip", size: 183 }]);
  assert.equal(log.most, 3);
  assert.deepEqual(log.states.at(-1), { step: "done", saved: 61, total: 61 });
});

test("one photo is one link and one plain file", async () => {
  const { one, log, disk } = saving([72]);
  assert.equal(await one.run("files"), 1);
  assert.deepEqual(log.pages, ["73 of 1"]);
  assert.deepEqual(disk.downloads, [{ name: "IMG_72.jpg", size: 3 }]);
});

test("a photo without a link is listed, and the others keep their names", async () => {
  const { one, log, disk } = saving([0, 1, 2, 3], {
    unlinked: [1],
    reply: goOn,
  });
  assert.equal(await one.run("zips"), 3);
  assert.deepEqual(disk.zips, [["IMG_0.jpg", "IMG_2.jpg", "IMG_3.jpg"]]);
  assert.equal(disk.downloads[0]?.name, "White House 10 km, 3 of 4.zip");
  const missing = log.states.find((state) => state.step === "missing");
  assert.deepEqual(
    missing?.failed.map(({ position }) => position),
    [1],
  );
  assert.equal(missing?.kept, 3);
});

test("photos of a bib that have moved since are saved all the same", async () => {
  const { one, log, disk } = saving([0, 58, 120], { of: "F7", moved: 2, unlinked: [3, 60], total: 150, reply: goOn });
  assert.equal(await one.run("zips"), 2);
  assert.deepEqual(log.pages, ["1", "2", "1 of 60", "2 of 60", "3 of 60"]);
  assert.deepEqual(disk.zips, [["IMG_2.jpg", "IMG_122.jpg"]]);
});

test("a photo of a bib that is gone is missing, and the rest is saved", async () => {
  const { one, log, disk } = saving([0, 30], { of: "F7", total: 20, reply: goOn });
  assert.equal(await one.run("zips"), 1);
  assert.deepEqual(disk.zips, [["IMG_0.jpg"]]);
  const missing = log.states.find((state) => state.step === "missing");
  assert.deepEqual(missing?.failed, [{ at: 30, requestId: "F7", position: 30 }]);
});

test("a download that fails once is tried again by a new link, without a question", async () => {
  const { one, log, steps } = saving([0, 1], { broken: new Map([[1, 1]]) });
  assert.equal(await one.run("zips"), 2);
  assert.deepEqual(log.pages, ["1 of 60", "2 of 1"]);
  assert.deepEqual(steps(), ["fetching", "done"]);
  assert.equal(log.states.filter((state) => state.step === "fetching").at(-1)?.bytes, 6);
});

test("Try again fetches what was missing and nothing else, into the same ZIP", async () => {
  const { one, log, disk } = saving([0, 1, 2], {
    broken: new Map([[1, 2]]),
    reply: (state, saving) => state.step === "missing" && saving.reply("again"),
  });
  assert.equal(await one.run("stream"), 3);
  assert.deepEqual(disk.zips, [["IMG_0.jpg", "IMG_2.jpg", "IMG_1.jpg"]]);
  assert.equal(log.fetched.filter((url) => url === "o/0").length, 1);
});

test("without originals the files are large renditions, and originals are never asked for", async () => {
  const { one, log, disk } = saving([0, 9], { originals: false });
  assert.equal(await one.run("files"), 2);
  assert.deepEqual(log.pages, []);
  assert.deepEqual(log.fetched, ["large/0", "large/9"]);
  assert.deepEqual(
    disk.downloads.map(({ name }) => name),
    ["White House 10 km 001.jpg", "White House 10 km 010.jpg"],
  );
});

test("ZIPs in memory hold at most 200 MB, and say which part they are", async () => {
  const { one, disk } = saving([0, 1, 2], { bytes: 90e6 });
  await one.run("zips");
  assert.deepEqual(disk.downloads, [
    { name: "White House 10 km, part 1.zip", size: 180e6 },
    { name: "White House 10 km, part 2.zip", size: 90e6 },
  ]);
});

test("shares go in batches of 20, each by a tap of its own", async () => {
  const { one, log, disk } = saving(
    Array.from({ length: 45 }, (_, i) => i),
    {
      reply: (state, saving) => state.step === "ready" && void saving.share(),
    },
  );
  assert.equal(await one.run("share"), 45);
  assert.deepEqual(
    disk.shared.map((batch) => batch.length),
    [20, 20, 5],
  );
  assert.deepEqual(
    log.states.flatMap((state) => (state.step === "ready" ? [state.left] : [])),
    [25, 5, 0],
  );
});

test("a share sheet that is closed again is silence: the same batch waits for the next tap", async () => {
  let taps = 0;
  const { one, log } = saving([0, 1], {
    share: async () => {
      if (++taps === 1) throw new DOMException("", "AbortError");
    },
    reply: (state, saving) => state.step === "ready" && void saving.share().then(() => saving.share()),
  });
  assert.equal(await one.run("share"), 2);
  assert.equal(taps, 2);
  assert.equal(log.states.filter((state) => state.step === "ready").length, 1);
});

test("in an app's browser each photo is one link, and nothing is fetched", async () => {
  const { one, log } = saving([0, 1, 2], { unlinked: [1] });
  assert.equal(await one.run("links"), 2);
  const state = log.states.at(-1);
  assert.equal(state?.step, "links");
  assert.deepEqual(state?.step === "links" && state.targets.map(({ url }) => url), ["o/0", null, "o/2"]);
  assert.deepEqual(log.fetched, []);
});

test("Cancel ends it: no file, no word", async () => {
  const { one, log, disk } = saving([0, 1, 2, 3, 4, 5], {
    reply: (state, saving) => state.step === "fetching" && state.done === 2 && saving.cancel(),
  });
  assert.equal(await one.run("zips"), null);
  assert.deepEqual(disk.downloads, []);
  assert.equal(log.states.at(-1)?.step, "fetching");
});

test("Cancel takes away the file that was begun", async () => {
  const { one, disk } = saving([0, 1, 2, 3, 4, 5], {
    reply: (state, saving) => state.step === "fetching" && state.done === 2 && saving.cancel(),
  });
  assert.equal(await one.run("stream"), null);
  assert.ok(disk.discarded);
});

test("an API that is busy is asked again; one that refuses is not, and its photos are missing", async () => {
  const calls: number[] = [];
  const ask = async (problem: ApiProblem) => {
    const states: SavingState[] = [];
    let left = 2;
    const one: Saving = new Saving(
      [{ at: 0, requestId: "the search of a face", position: 0 }],
      {
        originals: true,
        name: "x",
        api: {
          page: () => Promise.reject(new Error("not a bib")),
          originals: async () => {
            if (left-- > 0) throw problem;
            return { links: [{ url: "o/0", filename: "a.jpg" }], failed: [] };
          },
        },
        photo: async () => ({ id: "", thumb: "", large: "", width: 1, height: 1 }),
        fetch: (async () => new Response("x")) as typeof fetch,
        wait: async (ms) => void calls.push(ms),
      },
      { download: () => {} } as unknown as Disk,
      (state) => {
        states.push(state);
        if (state.step === "missing") one.reply("go-on");
      },
    );
    await one.run("files");
    return states.at(-1);
  };
  assert.deepEqual(await ask(new ApiProblem("throttled", 429, 7)), { step: "done", saved: 1, total: 1 });
  assert.deepEqual(calls, [7000, 7000]);
  assert.deepEqual(await ask(new ApiProblem("token_expired", 403)), { step: "done", saved: 0, total: 1 });
});
