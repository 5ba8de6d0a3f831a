/** Addresses of the view: all behind `#`, so that the server has one page. */
export const FILTERS = ["all", "failed", "no_face"] as const;
export type Filter = (typeof FILTERS)[number];

export type Route =
  | { readonly screen: "start" | "queues" | "errors" }
  | { readonly screen: "events"; readonly org: number; readonly page: number }
  | {
      readonly screen: "photos";
      readonly event: number;
      readonly filter: Filter;
      readonly name: string;
      readonly photo: string | null;
    }
  | { readonly screen: "searches"; readonly event: number; readonly begin: string };

const START: Route = { screen: "start" };

/** Whatever is no address of ours is the start. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const values = new URLSearchParams(query);
  const [first, second, third, fourth] = path.split("/");
  const number = /^[0-9]{1,15}$/.test(second ?? "") ? Number(second) : null;
  if (first === "queues" || first === "errors") return { screen: first };
  if (number === null) return START;
  if (first === "orgs") return { screen: "events", org: number, page: Math.max(1, Number(values.get("page")) || 1) };
  if (first !== "events") return START;
  if (third === "searches") return { screen: "searches", event: number, begin: values.get("request_id") ?? "" };
  const filter = FILTERS.find((name) => name === values.get("filter")) ?? "all";
  return { screen: "photos", event: number, filter, name: values.get("name") ?? "", photo: fourth || null };
}

export function address(route: Route): string {
  switch (route.screen) {
    case "start":
      return "#/";
    case "events":
      return `#/orgs/${route.org}${query({ page: route.page > 1 ? String(route.page) : "" })}`;
    case "photos": {
      const photo = route.photo ? `/${route.photo}` : "";
      const filter = route.filter === "all" ? "" : route.filter;
      return `#/events/${route.event}/photos${photo}${query({ filter, name: route.name })}`;
    }
    case "searches":
      return `#/events/${route.event}/searches${query({ request_id: route.begin })}`;
    default:
      return `#/${route.screen}`;
  }
}

function query(values: Record<string, string>): string {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
