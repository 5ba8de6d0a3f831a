/** The one entry: defines the elements once. Another version that comes later warns, and the first stays. */
import { FaceSearch } from "./element.ts";
import { dressPage } from "./page.ts";
import { FaceSearchCamera } from "./screens/camera.ts";

if (customElements.get("face-search")) {
  console.warn("face-search: another version is already on this page; it stays.");
} else {
  dressPage();
  customElements.define("face-search-camera", FaceSearchCamera);
  customElements.define("face-search", FaceSearch);
}
