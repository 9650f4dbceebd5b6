/** The page's address, and the route that it means. */
import { isCode, squeeze } from "../core/code.js";

/** Reads and changes the page's address; `onMove` is called after the browser's back and forward buttons. */
export class Router {
  constructor(onMove) {
    window.addEventListener("popstate", onMove);
  }

  get route() {
    return routeOf(location.pathname, location.hash);
  }

  /** The whole address, as people copy it. */
  get address() {
    return location.href;
  }

  push(path) {
    history.pushState(null, "", path);
  }

  replace(path) {
    history.replaceState(null, "", path);
  }

  reload() {
    location.reload();
  }
}

/** `{ name: "home" | "party" | "wall" | "recap", code, typed }`; `code` is null if what was typed cannot be one. */
export function routeOf(pathname, hash) {
  const [, first, typed, last] = pathname.split("/");
  if (first === "p" && typed !== undefined && typed !== "") {
    return { name: last === "wall" ? "wall" : "party", ...codeOf(decoded(typed)) };
  }
  const recap = /^#recap\/([A-Z0-9]{6})$/.exec(hash);
  if (recap !== null) return { name: "recap", code: recap[1], typed: recap[1] };
  return { name: "home", code: null, typed: "" };
}

function codeOf(typed) {
  const code = squeeze(typed);
  return { code: isCode(code) ? code : null, typed };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone % is no reason to show nothing
  }
}
