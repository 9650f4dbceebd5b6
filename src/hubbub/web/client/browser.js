/** The platform of a browser. Nothing is touched until a client is made, so that node can load this module. */

/**
 * A signal is one of: "shown" (the page is visible or focused again), "hidden", "online", "offline", and "frozen"
 * (the page is about to be frozen or kept for the back button: its connections are to be closed now).
 */
export function browserPlatform() {
  return {
    open,
    now: () => Date.now(),
    after(ms, run) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    signals,
  };
}

/** The WebSocket of the host that the page came from. */
export function ownServer() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;
}

function open(url) {
  const webSocket = new WebSocket(url);
  const socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (text) => webSocket.send(text),
    close: (code) => webSocket.close(code),
  };
  webSocket.onopen = () => socket.onopen?.();
  webSocket.onmessage = ({ data }) => socket.onmessage?.(data);
  webSocket.onclose = ({ code, reason }) => socket.onclose?.(code, reason);
  return socket;
}

function signals(listener) {
  const stop = new AbortController();
  const listen = (target, type, signal) => {
    target.addEventListener(type, () => listener(signal), { signal: stop.signal });
  };
  document.addEventListener(
    "visibilitychange",
    () => listener(document.visibilityState === "visible" ? "shown" : "hidden"),
    { signal: stop.signal },
  );
  listen(window, "pageshow", "shown");
  listen(window, "focus", "shown");
  listen(document, "resume", "shown");
  listen(window, "pagehide", "frozen");
  listen(document, "freeze", "frozen");
  listen(window, "online", "online");
  listen(window, "offline", "offline");
  if (navigator.onLine === false) listener("offline");
  return () => stop.abort();
}
