// What an integrator does, with the types that openapi-typescript makes. Prints what came of it as JSON.
import { createHmac, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./face-search.js";

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

// The data of a successful response, or the message of another.
function dataOf<Data>(response: { data?: { data: Data }; error?: components["schemas"]["ErrorResponse"] }): Data {
  if (response.data === undefined) throw new Error(response.error?.message ?? "no response");
  return response.data.data;
}

const baseUrl = setting("URL");
const event = { org_id: Number(setting("ORG")), event_id: Number(setting("EVENT")) };
const selfie = await readFile(setting("SELFIE"));
const api = createClient<paths>({ baseUrl, headers: { "X-API-Key": setting("KEY") } });

async function search(requestId: string) {
  const body: components["schemas"]["SelfieForm"] = { request_id: requestId };
  return dataOf(
    await api.POST("/api/v1/ext/{org_id}/event/{event_id}/faces", {
      params: { path: event, query: { page_size: 2 } },
      body,
      bodySerializer(fields) {
        const form = new FormData();
        form.append("file", new Blob([selfie], { type: "image/jpeg" }), "selfie.jpg");
        if (fields.request_id !== undefined) form.append("request_id", fields.request_id);
        return form;
      },
    }),
  );
}

async function page(requestId: string, number: number, size: number) {
  const params = { path: { ...event, request_id: requestId }, query: { page: number, page_size: size } };
  return dataOf(await api.GET("/api/v1/ext/{org_id}/event/{event_id}/faces/{request_id}", { params }));
}

async function sizesOfOriginals(requestId: string): Promise<number[]> {
  const { presigned_urls } = dataOf(
    await api.POST("/api/v1/ext/{org_id}/event/{event_id}/original-photos", {
      params: { path: event },
      body: { method: "selfie", identifier: requestId },
    }),
  );
  return Promise.all(presigned_urls.map(async ({ url }) => (await (await fetch(url)).arrayBuffer()).byteLength));
}

// A webhook with a signature in place of a key; the request_id of its search.
async function sendWebhook(body: components["schemas"]["WebhookRequest"]): Promise<string> {
  const [id, timestamp, content] = [`msg_${randomUUID()}`, `${Math.floor(Date.now() / 1000)}`, JSON.stringify(body)];
  const key = Buffer.from(setting("SECRET").replace("whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${content}`).digest("base64");
  const sent = await createClient<paths>({ baseUrl }).POST("/api/v1/ext/{org_id}/event/{event_id}/faces/webhook", {
    params: { path: event, header: { "webhook-id": id, "webhook-timestamp": timestamp } },
    headers: { "webhook-signature": `v1,${signature}` },
    body,
    bodySerializer: () => content,
  });
  return dataOf(sent).request_id;
}

async function endOf(requestId: string): Promise<string> {
  const params = { path: { ...event, request_id: requestId } };
  for (const end = Date.now() + 240_000; ; await setTimeout(100)) {
    const { status } = dataOf(
      await api.GET("/api/v1/ext/{org_id}/event/{event_id}/faces/{request_id}/status", { params }),
    );
    if ((status !== "queued" && status !== "running") || Date.now() > end) return status;
  }
}

const requestId = randomUUID();
const found = await search(requestId);
const images = [...found.images];
for (let last = found.pagination; last.hasNextPage; ) {
  const next = await page(requestId, last.currentPage + 1, 2);
  images.push(...next.images);
  last = next.pagination;
}
const sizes = await sizesOfOriginals(requestId);
const hooked = await sendWebhook({ selfie_base64: selfie.toString("base64") });
const webhook = await endOf(hooked);
const hookedImages = (await page(hooked, 1, 32)).images;
console.log(
  JSON.stringify({
    same_request_id: found.request_id === requestId,
    image_ids: images.map((image) => image.image_id),
    sizes,
    webhook,
    webhook_image_ids: hookedImages.map((image) => image.image_id),
  }),
);
