/** The address bar. */
import { routeOf } from "./routes.js";

/** Reads and changes the page's address; `onMove` is called when the person went back or forth. */
export class Router {
  constructor(onMove) {
    window.addEventListener("popstate", onMove);
  }

  get route() {
    return routeOf(location.pathname, location.hash);
  }

  push(path) {
    history.pushState(null, "", path);
  }

  replace(path) {
    history.replaceState(null, "", path);
  }
}
