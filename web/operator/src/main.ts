import { OperatorErrors } from "./errors.ts";
import { OperatorEvents } from "./events.ts";
import { OperatorPhoto } from "./photo.ts";
import { OperatorPhotos } from "./photos.ts";
import { OperatorQueues } from "./queues.ts";
import { OperatorSearches } from "./searches.ts";
import { OperatorView } from "./view.ts";

customElements.define("operator-errors", OperatorErrors);
customElements.define("operator-events", OperatorEvents);
customElements.define("operator-photo", OperatorPhoto);
customElements.define("operator-photos", OperatorPhotos);
customElements.define("operator-queues", OperatorQueues);
customElements.define("operator-searches", OperatorSearches);
customElements.define("operator-view", OperatorView);
