/** The one entry: defines the elements once. Another version that comes later warns, and the first stays. */
import { FaceSearch } from "./element.ts";
import { FaceSearchResults } from "./results/results.ts";

if (customElements.get("face-search")) {
  console.warn("face-search: another version is already on this page; it stays.");
} else {
  customElements.define("face-search-results", FaceSearchResults);
  customElements.define("face-search", FaceSearch);
}
