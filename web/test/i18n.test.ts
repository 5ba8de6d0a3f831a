import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage, LANGUAGES, Speech, speechOf } from "../src/i18n.ts";
import en from "../src/messages/en.json" with { type: "json" };

test("the first wish that is shipped wins", () => {
  assert.equal(chooseLanguage(null, "fr-FR", "de-AT", "hi"), "de");
  assert.equal(chooseLanguage(undefined, "", "constructor", "tlh"), "en");
});

test("numbers and names are put in, and text that looks like a placeholder stays", () => {
  assert.equal(new Speech().t("start.by", { date: "17 May", organiser: "{date}" }), "17 May · by {date}");
});

test("dates are the event's own, whatever the zone", () => {
  assert.equal(new Speech().date("2026-05-17T23:30:00"), "May 17, 2026");
});

for (const language of Object.keys(LANGUAGES) as (keyof typeof LANGUAGES)[]) {
  test(`${language} has every message, with the same placeholders`, async () => {
    const { default: messages } = await import(`../src/messages/${language}.json`, { with: { type: "json" } });
    assert.deepEqual(Object.keys(messages).sort(), Object.keys(en).sort());
    const names = (message: unknown) => [...new Set(JSON.stringify(message).match(/\{\w+\}/g))].sort();
    for (const [key, message] of Object.entries(en)) assert.deepEqual(names(messages[key]), names(message), key);
    assert.equal((await speechOf(language)).language, language);
  });
}
